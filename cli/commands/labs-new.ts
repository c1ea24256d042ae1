import { join, resolve } from "node:path";
import { isFolderPath, repoDir } from "../../base/paths.js";
import { type Context, report } from "../context.js";
import { type Args, defineCommand, text } from "../define-command.js";

export const labsNew = defineCommand({
  usage: "new <lab>",
  description: "write a lab to start from; it passes labs test",
  positionals: {
    lab: {
      type: "string",
      describe: "a name for a folder in labs/, or a path: ./my-lab",
      demandOption: true,
    },
  },
  handler: newLab,
});

async function newLab(args: Args, ctx: Context): Promise<undefined> {
  const { writeNewLab } = await import("../../labs/new-lab.js");
  const given = text(args, "lab") ?? "";
  const dir = isFolderPath(given) ? resolve(given) : join(repoDir, "labs", given);
  const { files, name } = await writeNewLab(dir);
  const shown = isFolderPath(given) ? given : name;
  report(ctx, "lab-new", { name, dir, files }, () => [
    `Wrote ${files.length} files to ${dir}.`,
    `  to start it:  trilab up ${shown}`,
    `  to test it:   trilab labs test ${shown}`,
  ]);
  return undefined;
}

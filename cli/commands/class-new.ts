import { report } from "../context.js";
import { defineCommand, text } from "../define-command.js";

export const classNew = defineCommand({
  usage: "new [folder]",
  description: "write a class.yaml and a roster.csv to start from",
  positionals: { folder: { type: "string", describe: "a new folder; default: the current one" } },
  handler: async (args, ctx) => {
    const { writeNewClass } = await import("../../classes/new-class.js");
    const files = await writeNewClass(text(args, "folder") ?? ".");
    report(ctx, "class-new", { files }, () => [
      `Wrote ${files.join(" and ")}.`,
      `Next: fill in the roster, then trilab class plan ${files[0]}`,
    ]);
    return undefined;
  },
});

import { defineCommand, text } from "../define-command.js";

export const classNew = defineCommand({
  usage: "new [folder]",
  description: "write a class.yaml and a roster.csv to start from",
  positionals: { folder: { type: "string", describe: "a new folder; default: the current one" } },
  handler: async (args, ctx) => {
    const { writeNewClass } = await import("../../classes/new-class.js");
    const files = await writeNewClass(text(args, "folder") ?? ".");
    for (const file of files) ctx.tell(`wrote ${file}`);
    ctx.tell(`Next: fill in the roster, then trilab class plan ${files[0]}`);
    return undefined;
  },
});

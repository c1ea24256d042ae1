import { ExitCode, UserError } from "../../base/errors.js";
import { defineCommand, labAndSeatOptions, text } from "../define-command.js";
import { resolveSeat, runningEnvironmentOf } from "../seat-meant.js";

export const cp = defineCommand({
  usage: "cp <from> <to>",
  description:
    "copy a file or folder into a target or out of it, as its login user; a relative path in the target starts in their home folder",
  positionals: {
    from: { type: "string", describe: "a local path, or target:path", demandOption: true },
    to: { type: "string", describe: "a local path, or target:path", demandOption: true },
  },
  options: labAndSeatOptions,
  examples: [
    ["trilab cp notes.txt guest:/home/lab/", "into the guest"],
    ["trilab cp container:/etc/os-release .", "out of the container"],
  ],
  handler: async (args) => {
    const [from, to] = [text(args, "from") ?? "", text(args, "to") ?? ""];
    const [source, target] = [split(from), split(to)];
    if ((source === undefined) === (target === undefined)) {
      throw new UserError("exactly one side must be a path in a target", {
        why: `from "${from}" to "${to}"`,
        fix: "write target:path on one side: trilab cp notes.txt guest:/home/lab/",
        exitCode: ExitCode.usage,
      });
    }
    const record = await resolveSeat(text(args, "lab"), text(args, "seat"));
    if (target) await (await runningEnvironmentOf(record, target.name)).copy("in", from, target.path);
    if (source) await (await runningEnvironmentOf(record, source.name)).copy("out", to, source.path);
    return undefined;
  },
});

/** `guest:/path` → its parts; a path with a slash before the colon is local. */
function split(word: string): { name: string; path: string } | undefined {
  const match = /^([^/:]+):(.*)$/.exec(word);
  return match?.[1] === undefined ? undefined : { name: match[1], path: match[2] || "." };
}

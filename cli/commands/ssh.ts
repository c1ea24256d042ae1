import { defineCommand, flag, labAndSeatOptions, rest, text } from "../define-command.js";
import { onlyTarget, resolveSeat, runningEnvironmentOf } from "../seat-meant.js";

export const ssh = defineCommand({
  usage: "ssh [target]",
  aliases: ["shell"],
  description:
    "open a shell in a target, or run one command, given after --, with its exit code (127: there is no such command; 126: it can't be run)",
  positionals: {
    target: { type: "string", describe: "container, guest or vps; default: the only target of the seat" },
  },
  takesRest: true,
  options: { ...labAndSeatOptions, root: { type: "boolean", describe: "log in as root" } },
  examples: [
    ["trilab ssh guest", "a login shell in the guest"],
    ["trilab ssh container -- uname -r", "one command: a program and its arguments, passed on unchanged"],
    ["trilab ssh guest -- 'ss -ltn | wc -l'", "one word: a line for the shell in the machine, as with ssh"],
  ],
  handler: async (args) => {
    const record = await resolveSeat(text(args, "lab"), text(args, "seat"));
    const environment = await runningEnvironmentOf(record, text(args, "target") ?? onlyTarget(record));
    return environment.shell(rest(args), { root: flag(args, "root") });
  },
});

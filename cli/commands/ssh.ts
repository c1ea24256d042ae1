import { defineCommand, flag, labAndSeatOptions, rest, text } from "../define-command.js";
import { resolveSeat, runningEnvironmentOf } from "../seats.js";

export const ssh = defineCommand({
  usage: "ssh <target>",
  aliases: ["shell"],
  description:
    "a shell in a target, or one command after --, with its exit code (127: there is no such command; 126: it can't be run)",
  positionals: { target: { type: "string", describe: "container, guest or vps", demandOption: true } },
  takesRest: true,
  options: { ...labAndSeatOptions, root: { type: "boolean", describe: "as root" } },
  examples: [
    ["trilab ssh guest", "a login shell in the guest"],
    ["trilab ssh container -- uname -r", "one command: a program and its arguments, as they are"],
    ["trilab ssh guest -- 'ss -ltn | wc -l'", "one word: a line for the shell in there, as with ssh"],
  ],
  handler: async (args) => {
    const record = await resolveSeat(text(args, "lab"), text(args, "seat"));
    const environment = await runningEnvironmentOf(record, text(args, "target") ?? "");
    return environment.shell(rest(args), { root: flag(args, "root") });
  },
});

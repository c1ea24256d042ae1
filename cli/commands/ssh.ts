import { defineCommand, flag, labAndSeatOptions, rest, text } from "../define-command.js";
import { environmentOf, resolveSeat } from "../seats.js";

export const ssh = defineCommand({
  usage: "ssh <target>",
  aliases: ["shell"],
  description: "a shell in a target, or one command after --, with its exit code",
  positionals: { target: { type: "string", describe: "container, guest or vps", demandOption: true } },
  options: { ...labAndSeatOptions, root: { type: "boolean", describe: "as root" } },
  examples: [
    ["trilab ssh guest", "a login shell in the guest"],
    ["trilab ssh container -- uname -r", "one command"],
  ],
  handler: async (args) => {
    const record = await resolveSeat(text(args, "lab"), text(args, "seat"));
    const environment = await environmentOf(record, text(args, "target") ?? "");
    return environment.shell(rest(args), { root: flag(args, "root") });
  },
});

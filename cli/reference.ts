import { COMMANDS } from "./commands/index.js";
import type { Command } from "./define-command.js";

/** docs/commands.md: every command with its arguments and options, from the same data the parser uses. */
export function commandReference(): string {
  const lines = [
    "# Commands",
    "",
    "Generated from cli/commands/ by scripts/generate. Every command also takes `--help`, and `--json`, which prints its result as JSON (except ssh, cp and logs, which pass on what the machine prints).",
    ...COMMANDS.flatMap((command) => section(command, "trilab")),
  ];
  return lines.join("\n");
}

function section(command: Command, parent: string): string[] {
  const cell = (text: unknown): string => String(text ?? "").replaceAll("|", "\\|");
  const rows = [
    ...Object.entries(command.positionals ?? {}).map(([name, o]) => `| \`${name}\` | ${cell(o.describe)} |`),
    ...Object.entries(command.options ?? {}).map(([name, o]) => {
      const short = typeof o.alias === "string" ? `, \`-${o.alias}\`` : "";
      const fallback = o.default === undefined ? "" : ` (default: \`${cell(o.default)}\`)`;
      return `| \`--${name}\`${short} | ${cell(o.describe)}${fallback} |`;
    }),
  ];
  const self = `${parent} ${command.usage}`;
  const below = (command.subcommands ?? []).flatMap((c) => section(c, self));
  if (command.handler === undefined) return below;
  return [
    "",
    `## ${self}`,
    "",
    `${command.description.charAt(0).toUpperCase()}${command.description.slice(1)}.${command.aliases ? ` Also: \`${command.aliases.join("`, `")}\`.` : ""}`,
    ...(rows.length > 0 ? ["", "| argument | what |", "| --- | --- |", ...rows] : []),
    ...(command.examples
      ? ["", "```sh", ...command.examples.map(([line, what]) => `${line}  # ${what}`), "```"]
      : []),
    ...below,
  ];
}

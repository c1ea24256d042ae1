import { execa } from "execa";
import { printable } from "../../base/printable.js";
import type { DockerEndpoint } from "../../model/endpoint.js";
import { CONTAINER_LOG } from "../../model/lifetime.js";
import { relay } from "../client.js";
import type { LogOptions } from "../environment.js";
import { dockerCommand } from "./connect.js";

/**
 * Prints the log that a container keeps inside; of one that an older trilab made, what Docker has of its output.
 *
 * @returns the exit code.
 */
export async function showContainerLog(
  endpoint: DockerEndpoint,
  name: string,
  { follow, lines, raw }: LogOptions,
): Promise<number> {
  const saved = await savedLog(endpoint, name);
  if (saved === undefined) {
    const tail = lines === undefined ? [] : ["--tail", String(lines)];
    const args = ["logs", ...(follow ? ["--follow"] : []), ...tail, name];
    return relay("docker", dockerCommand(endpoint, ...args), { raw });
  }
  if (follow) {
    // Docker does not end what a client started that has gone, but closes its input.
    const script = 'tail -n "$1" -F "$2" & cat >/dev/null; kill "$!"';
    const command = ["sh", "-c", script, "sh", lines === undefined ? "+1" : String(lines), CONTAINER_LOG];
    const args = ["exec", "--interactive", "--user", "root", name, ...command];
    return relay("docker", dockerCommand(endpoint, ...args), { raw, input: "pipe" });
  }
  const text =
    lines === undefined
      ? saved
      : saved
          .split(/(?<=\n)/)
          .slice(-lines)
          .join("");
  process.stdout.write(raw ? text : printable(text));
  return 0;
}

/** What a container has written to its log, whether it runs or not. Undefined: there is none. */
async function savedLog(endpoint: DockerEndpoint, name: string): Promise<string | undefined> {
  const keep = { reject: false, stripFinalNewline: false } as const;
  const { pipedFrom, stdout } = await execa(
    "docker",
    dockerCommand(endpoint, "cp", `${name}:${CONTAINER_LOG}`, "-"),
    { ...keep, stdin: "ignore" },
  )
    .pipe("tar", ["-xO"], keep)
    // It is root's inside, who may have made it as large as they like.
    .pipe("tail", ["-c", "1048576"], keep);
  return pipedFrom[0]?.exitCode === 0 ? stdout : undefined;
}

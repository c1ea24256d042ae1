import type Docker from "dockerode";
import { printable } from "../../base/printable.js";

/** How many lines of a failed container's output go into an error. */
const LOG_LINES = 10;

/** The end of its output; empty when that can't be read. */
export async function lastLines(container: Docker.Container): Promise<string> {
  const raw = await container.logs({ stdout: true, stderr: true, tail: LOG_LINES }).catch(() => undefined);
  if (!Buffer.isBuffer(raw)) return "";
  return printable(demux(raw)).trimEnd();
}

/** The text of a multiplexed log: each frame has a header of 8 bytes, of which the last four are its length. */
function demux(raw: Buffer): string {
  let text = "";
  for (let at = 0; at + 8 <= raw.length; ) {
    const length = raw.readUInt32BE(at + 4);
    text += raw.toString("utf8", at + 8, at + 8 + length);
    at += 8 + length;
  }
  return text;
}

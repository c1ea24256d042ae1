import { printable } from "../../base/printable.js";
import { relay } from "../client.js";
import type { LogOptions } from "../environment.js";
import type { Connection } from "./connection.js";
import { DISK_POOL } from "./pools.js";
import { readVolume } from "./volume-copy.js";

/** A domain's serial console: what it has printed, which virtlogd keeps in a volume, and the live one. */
export class Console {
  /** @param log The log's volume in the seats' pool. Absent: it has none. */
  constructor(
    private readonly libvirt: Connection,
    private readonly domain: string,
    private readonly log: string | undefined,
  ) {}

  /**
   * What it has printed, downloaded through libvirt, so that it also works on another host.
   *
   * @param options.lines how many, from the end. Default: all.
   * @param options.raw keep control characters. Default false.
   */
  async text({ lines, raw = false }: Partial<Pick<LogOptions, "lines" | "raw">> = {}): Promise<string> {
    const none = "(no console log)";
    if (this.log === undefined) return none;
    await this.libvirt.virshIfThere("pool-refresh", DISK_POOL.name);
    const log = (await readVolume(this.libvirt, this.log))?.toString("utf8");
    if (log === undefined) return none;
    const all = (raw ? log : printable(log)).trimEnd();
    return lines === undefined ? all : lastLines(all, lines);
  }

  /** Connects this terminal to the live console. @returns the exit code of virsh. */
  follow(raw: boolean): Promise<number> {
    const live = ["--connect", this.libvirt.uri, "console", this.domain];
    return relay("virsh", live, { raw, terminal: true });
  }
}

export const lastLines = (text: string, count: number): string => text.split("\n").slice(-count).join("\n");

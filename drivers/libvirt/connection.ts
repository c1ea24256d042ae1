import { pollUntil } from "../../base/poll.js";
import { isLocal, type LibvirtEndpoint } from "../../model/endpoint.js";
import { DISK_POOL } from "./pools.js";
import { lines, Virsh, VirshError } from "./virsh.js";
import { type Element, parseXml } from "./xml.js";

/** A connection to one libvirt daemon: the queries that its machines need. */
export class Connection {
  protected readonly connection: Virsh;

  /** Does not connect yet. */
  constructor(readonly endpoint: LibvirtEndpoint) {
    this.connection = new Virsh(endpoint.uri);
  }

  get uri(): string {
    return this.endpoint.uri;
  }

  /** Whether the daemon runs on this machine, so that its processes and files can be read here. */
  get isLocal(): boolean {
    return isLocal(this.endpoint);
  }

  /** Runs one virsh command. @throws VirshError, UserError: see {@link Virsh.run}. */
  virsh(...args: string[]): Promise<string> {
    return this.connection.run(...args);
  }

  /** As {@link virsh}, for what takes longer: libvirt does not answer when it takes more than this many milliseconds. */
  virshWithin(timeout: number, ...args: string[]): Promise<string> {
    return this.connection.runWithin(timeout, ...args);
  }

  /** As {@link virsh}, but `undefined` when the thing is not there. */
  virshIfThere(...args: string[]): Promise<string | undefined> {
    return this.connection.ifThere(...args);
  }

  /** A domain's state as virsh reports it (`running`, `shut off`, …), or `undefined` when there is none of that name. */
  async domainState(name: string): Promise<string | undefined> {
    const answer = await this.virshIfThere(`domstate ${name}; domid ${name}`);
    const [state, id] = lines(answer ?? "");
    if (state !== undefined && /^\d+$/.test(id ?? "")) this.#starts.set(name, String(id));
    else this.#starts.delete(name);
    return state;
  }

  /** libvirt's ids of the domains that were running when they were last looked at. */
  readonly #starts = new Map<string, string>();

  /** Distinguishes this start of a domain from others, also while its state stays `running`; `undefined` when it does not run. */
  async startOf(name: string): Promise<string | undefined> {
    if (!this.#starts.has(name)) await this.domainState(name);
    return this.#starts.get(name);
  }

  /** A domain's XML, with further flags of `dumpxml`; `undefined` when there is none of that name. */
  async domain(name: string, ...flags: string[]): Promise<Element | undefined> {
    const xml = await this.virshIfThere("dumpxml", name, ...flags);
    return xml === undefined ? undefined : parseXml(xml);
  }

  /**
   * The volumes of a pool, freshly read from its directory; none when there is no such pool.
   *
   * @throws VirshError when libvirt refuses for another reason: the answer "none" could then cost somebody a disk.
   */
  async volumeNames(pool: string): Promise<string[]> {
    try {
      await this.refreshPool(pool);
      return lines(await this.virsh("vol-list", pool)).map((line) => line.split(/\s{2,}/)[0] ?? line);
    } catch (error) {
      if (error instanceof VirshError && error.gone) return [];
      throw error;
    }
  }

  /** Removes a volume; succeeds if it is already gone. */
  async removeVolume(name: string, pool: string = DISK_POOL.name): Promise<void> {
    await this.virshIfThere("vol-delete", name, "--pool", pool);
  }

  /** Has libvirt read a pool's directory. libvirt refuses while one of its volumes is made or filled: waits for that, at most a minute. */
  async refreshPool(pool: string): Promise<void> {
    let last: unknown;
    const refreshed = async (): Promise<boolean> => {
      try {
        await this.virsh("pool-refresh", pool);
        return true;
      } catch (error) {
        last = error;
        if (error instanceof VirshError && /asynchronous jobs running/.test(error.said)) return false;
        throw error;
      }
    };
    if (!(await pollUntil(refreshed, { limitMs: 60_000, everyMs: 200 }))) throw last;
  }
}

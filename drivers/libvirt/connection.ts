import { isLocal, type LibvirtEndpoint } from "../../model/endpoint.js";
import { Virsh } from "./virsh.js";
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

  /** As {@link virsh}, but `undefined` when the thing is not there. */
  virshIfThere(...args: string[]): Promise<string | undefined> {
    return this.connection.ifThere(...args);
  }

  /** A domain's state as virsh reports it (`running`, `shut off`, …), or `undefined` when there is none of that name. */
  async domainState(name: string): Promise<string | undefined> {
    return (await this.virshIfThere("domstate", name))?.trim();
  }

  /** A domain's XML, with further flags of `dumpxml`; `undefined` when there is none of that name. */
  async domain(name: string, ...flags: string[]): Promise<Element | undefined> {
    const xml = await this.virshIfThere("dumpxml", name, ...flags);
    return xml === undefined ? undefined : parseXml(xml);
  }
}

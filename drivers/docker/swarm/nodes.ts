import { ExitCode, UserError } from "../../../base/errors.js";
import type { DockerEndpoint } from "../../../model/endpoint.js";
import { asking } from "../connect.js";
import { DockerDriver } from "../driver.js";
import { hostname, type Node } from "./tasks.js";

/** A node that a seat's record names, as the manager knows it. */
export interface KnownNode {
  name: string;
  endpoint: DockerEndpoint;
  /** Its daemon, asked directly. */
  driver: DockerDriver;
  /** Whether the manager hears from it. */
  isReady: boolean;
}

/** The nodes of a Swarm: what the manager says of them, and the daemons of those that the endpoint names. */
export class Nodes {
  private readonly drivers = new Map<string, DockerDriver>();

  constructor(
    private readonly manager: DockerDriver["client"],
    private readonly endpoint: DockerEndpoint,
  ) {}

  /** The hostnames of the nodes with an address here. */
  get named(): string[] {
    return Object.keys(this.endpoint.swarm ?? {});
  }

  /** All nodes of the Swarm. */
  all(): Promise<Node[]> {
    return asking("the nodes of the Swarm could not be listed", () => this.manager.listNodes());
  }

  /** The named nodes that are in the Swarm. One that was removed from it (`docker node rm`) is gone for good, and is left out. */
  async known(all?: readonly Node[]): Promise<KnownNode[]> {
    return (all ?? (await this.all())).flatMap((node) => {
      const name = hostname(node);
      const driver = this.driverOf(name);
      return driver
        ? [{ name, driver, endpoint: driver.endpoint, isReady: node.Status.State === "ready" }]
        : [];
    });
  }

  /**
   * The named nodes from which the manager hears.
   *
   * @param given All nodes, if they were just listed.
   * @throws UserError (exit 3) when there is none.
   */
  async ready(given?: readonly Node[]): Promise<KnownNode[]> {
    const all = given ?? (await this.all());
    const ready = (await this.known(all)).filter(({ isReady }) => isReady);
    if (ready.length > 0) return ready;
    const list = all.map((node) => `${hostname(node)}: ${node.Status.State}`);
    throw new UserError("no node of the Swarm can be used", {
      why: `the Swarm has ${list.join(", ")}; the nodes with an address here are ${this.named.join(", ")}`,
      fix: "give the address of each node's daemon by the hostname that `docker node ls` shows: swarm: in class.yaml or config.yaml",
      exitCode: ExitCode.hostNotReady,
    });
  }

  /** The named nodes of which nobody can say what they have: the manager does not hear from them, or their daemon does not answer us. */
  async lost(): Promise<KnownNode[]> {
    const lost = await Promise.all(
      (await this.known()).map(async (node) =>
        node.isReady
          ? node.driver.preflight().then(
              () => [],
              () => [node],
            )
          : [node],
      ),
    );
    return lost.flat();
  }

  /** The hostnames of nodes without an address here: what they run could not be reached. */
  async unnamed(): Promise<string[]> {
    return (await this.all()).map(hostname).filter((name) => this.driverOf(name) === undefined);
  }

  /** The daemon of a node; `undefined` if the endpoint does not name it. */
  driverOf(name: string): DockerDriver | undefined {
    const { swarm = {}, certPath } = this.endpoint;
    const host = Object.hasOwn(swarm, name) ? swarm[name] : undefined;
    if (host === undefined) return undefined;
    const there =
      this.drivers.get(name) ??
      new DockerDriver({ kind: "docker", host, ...(certPath === undefined ? {} : { certPath }) });
    this.drivers.set(name, there);
    return there;
  }
}

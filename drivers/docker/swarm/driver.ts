import type Docker from "dockerode";
import { digest } from "../../../base/digest.js";
import { ExitCode, UserError } from "../../../base/errors.js";
import { poll, pollUntil } from "../../../base/poll.js";
import type { Progress } from "../../../base/progress.js";
import type { DockerEndpoint } from "../../../model/endpoint.js";
import type { SeatId } from "../../../model/naming.js";
import type { Found, Inventory } from "../../found.js";
import { asking, isGone, lookUp, statusOf } from "../connect.js";
import { type ContainerSides, DockerDriver, ifThere } from "../driver.js";
import type { BuiltImage } from "../image.js";
import type { ContainerWanted } from "../mend-container.js";
import { copyImage } from "./image.js";
import { allTasks, containersOn, partOfNode, swarmInventory } from "./inventory.js";
import { type KnownNode, Nodes } from "./nodes.js";
import { limited, type ServiceSpec } from "./service-limits.js";
import { containerName, currentTask, hostname, stateOf, type Task, tasksOf } from "./tasks.js";

/** How long a container may take to run after its service was changed, in milliseconds. A node may have to read its image from disk first. */
const START_MS = 90_000;
/** How long what a removed service leaves behind may take to go, in milliseconds. */
const END_MS = 30_000;

/** Where a service's container is. */
interface Place {
  driver: DockerDriver;
  /** Its name there. */
  container: string;
}

/**
 * A Docker Swarm, by one of its managers: a container is a service of one task. The manager is asked about services and networks, the
 * nodes' own daemons about containers, homes and images. What only one daemon can do with a container, seats/swarm.ts refuses.
 */
export class SwarmDriver extends DockerDriver {
  private readonly nodes: Nodes;

  constructor(endpoint: DockerEndpoint) {
    super(endpoint);
    this.nodes = new Nodes(this.client, endpoint);
  }

  /**
   * Whether the manager answers, and is one.
   *
   * @throws UserError (exit 3) when it does not.
   */
  override async preflight(timeoutMs?: number): Promise<void> {
    await super.preflight(timeoutMs);
    const { Swarm } = (await asking(`the Docker daemon at ${this.endpoint.host} does not answer`, () =>
      this.client.info(),
    )) as { Swarm?: { ControlAvailable?: boolean } };
    if (Swarm?.ControlAvailable === true) return;
    throw new UserError(`the Docker daemon at ${this.endpoint.host} is no manager of a Swarm`, {
      why: "only a manager can make services",
      fix: "give the address of a manager (docker node ls), or leave out `swarm:` to use this daemon alone",
      exitCode: ExitCode.hostNotReady,
    });
  }

  /**
   * The largest CPU number and memory of a node: a container must fit on one.
   *
   * @throws UserError (exit 2) when the endpoint names a node that is not in the Swarm.
   */
  override async capacity(): Promise<{ cpus: number; memory: number }> {
    const all = await this.nodes.all();
    const unknown = this.nodes.named.filter((name) => !all.some((node) => hostname(node) === name));
    if (unknown.length > 0) {
      throw new UserError(`the Swarm at ${this.endpoint.host} has no node ${unknown.join(" and no node ")}`, {
        why: `its nodes are ${all.map(hostname).join(", ")}`,
        fix: "name each node by the hostname that `docker node ls` shows, in swarm: of class.yaml or config.yaml",
        exitCode: ExitCode.usage,
      });
    }
    const ready = all.filter(({ Status }) => Status.State === "ready");
    const sizes = ready.map(({ Description }) => Description?.Resources ?? {});
    return {
      cpus: Math.max(0, ...sizes.map(({ NanoCPUs = 0 }) => NanoCPUs / 1e9)),
      memory: Math.max(0, ...sizes.map(({ MemoryBytes = 0 }) => MemoryBytes)),
    };
  }

  override inventory(seat?: SeatId): Promise<Inventory> {
    return swarmInventory(this.client, this.nodes, seat);
  }

  /** As for one daemon; also, when the Swarm has made the container anew. */
  override async fingerprint(seat: SeatId): Promise<string | undefined> {
    const things = (await this.inventory(seat)).labelled.map(({ found }) => found);
    if (things.some(({ kind, state }) => kind === "container" && state !== "running")) return undefined;
    const parts = await Promise.all(
      things.map(async ({ id, kind, name }) => {
        if (kind === "container") {
          const { Spec } = (await this.client.getService(id).inspect()) as Docker.Service;
          return { Spec, task: currentTask(tasksOf(await allTasks(this.client), id))?.ID };
        }
        if (kind !== "container network") return { kind, id, name };
        const { Driver, IPAM, Id, Internal, Labels, Name } = (await this.client
          .getNetwork(id)
          .inspect()) as Docker.NetworkInspectInfo;
        return { Driver, IPAM, Id, Internal, Labels, Name };
      }),
    );
    return digest(parts.map((part) => JSON.stringify(part)).sort());
  }

  /** Removes one thing, and waits until it is gone: what a service uses is in use for a moment longer. */
  override async remove({ kind, id, name }: Found): Promise<void> {
    const part = partOfNode(id);
    if (part) {
      const { client } = await this.nodeNamed(part.node);
      if (kind === "container") await ifThere(client.getContainer(part.id).remove({ force: true }));
      else await whenUnused(() => client.getVolume(part.id).remove());
    } else if (kind === "container") await this.removeService(id, name);
    else if (kind === "container network") await whenUnused(() => this.client.getNetwork(id).remove());
  }

  private async removeService(id: string, name: string): Promise<void> {
    await ifThere(this.client.getService(id).remove());
    const nodes = await this.nodes.ready();
    const isGone = async (): Promise<boolean> =>
      (await Promise.all(nodes.map((node) => containersOn(node, name)))).every((list) => list.length === 0);
    await pollUntil(isGone, { limitMs: END_MS, everyMs: 200 });
  }

  private async nodeNamed(name: string): Promise<DockerDriver> {
    const driver = this.nodes.driverOf(name);
    if (driver) return driver;
    throw new UserError(`the node ${name} of the Swarm has no address here`, {
      why: `the addresses that this seat was made with: ${this.nodes.named.join(", ")}`,
      fix: `let the Swarm use another node: docker node update --availability drain ${name}`,
      exitCode: ExitCode.hostNotReady,
    });
  }

  /** Makes the container of a service anew whose program has ended. One that never ran is started by {@link mend}. */
  override async start({ id, state }: Found): Promise<void> {
    if (state !== "exited") return;
    const task = (spec: ServiceSpec): ServiceSpec => ({
      ...spec,
      TaskTemplate: { ...spec.TaskTemplate, ForceUpdate: (spec.TaskTemplate?.ForceUpdate ?? 0) + 1 },
    });
    await this.change(id, task);
    await this.waitUntilRunning(id);
  }

  override async stop({ name }: Found): Promise<never> {
    throw new Error(`${name} is a Swarm's service, which is not stopped`);
  }

  /** Changes a service's specification. @returns whether it had to be changed. */
  private async change(id: string, edit: (spec: ServiceSpec) => ServiceSpec | undefined): Promise<boolean> {
    const what = `service ${id} could not be changed`;
    const service = this.client.getService(id);
    const { Spec, Version } = (await asking(what, () => service.inspect())) as Docker.Service;
    const wanted = edit((Spec ?? {}) as ServiceSpec);
    if (wanted === undefined) return false;
    await asking(what, () => service.update({ _query: { version: Version?.Index }, _body: wanted }));
    return true;
  }

  /**
   * Gives a service its limits and its container, and waits until that runs.
   *
   * @returns what was repaired, in words; the first start does not count.
   */
  override async mend(serviceId: string, wanted: ContainerWanted): Promise<string[]> {
    const { api } = await this.version();
    const done: string[] = [];
    await this.change(serviceId, (spec) => {
      const next = limited(spec, wanted, api);
      if (next && spec.Mode?.Replicated?.Replicas !== 0)
        done.push("made anew with its limits, which were gone");
      return next;
    });
    await this.waitUntilRunning(serviceId);
    if (wanted.swapLimit !== false) await withoutSwap(await this.placeOf(serviceId));
    return done;
  }

  /** @throws UserError with the Swarm's reason when no container of the service runs with its limits in time. */
  private async waitUntilRunning(id: string): Promise<void> {
    const runs = async (): Promise<true | undefined> => {
      const task = currentTask(tasksOf(await allTasks(this.client), id));
      // Just after a change, the container from before still runs.
      return task && stateOf(task) === "running" && hasLimits(task) ? true : undefined;
    };
    if (await poll(runs, { limitMs: START_MS, everyMs: 200, longestMs: 1_000 })) return;
    const own = tasksOf(await allTasks(this.client), id);
    throw new UserError("the Swarm does not run the seat's container", {
      why: reasonOf(own),
      fix: "look at the nodes (docker node ls) and their room; what the Swarm starts later, the next `trilab up` finds",
    });
  }

  /**
   * The container of a service, on the node that runs it.
   *
   * @param name The service's.
   * @throws UserError when none runs, or its node has no address.
   */
  override async open(name: string, user: string): Promise<ContainerSides> {
    const { container, driver } = await this.placeOf(name);
    return driver.open(container, user);
  }

  private async placeOf(name: string): Promise<Place> {
    const [service, tasks, nodes] = await Promise.all([
      this.service(name),
      allTasks(this.client),
      this.nodes.all(),
    ]);
    const own = service ? tasksOf(tasks, service.ID) : [];
    const task = currentTask(own);
    const node = nodes.find(({ ID }) => ID === task?.NodeID);
    if (task === undefined || node === undefined || stateOf(task) !== "running") {
      throw new UserError(`the container ${name} does not run`, {
        why: service ? `the Swarm says: ${reasonOf(own)}` : "the Swarm has no such service",
        fix: "a Swarm starts it again by itself, if it can: look with `trilab status`; after its end: trilab up",
      });
    }
    if (node.Status.State !== "ready") {
      throw new UserError(`the node ${hostname(node)} does not answer`, {
        why: `the Swarm says that it is ${node.Status.State}; the container ${name} was there`,
        fix: "the Swarm starts the container on another node in a moment: look with `trilab status`",
        exitCode: ExitCode.hostNotReady,
      });
    }
    const driver = await this.nodeNamed(hostname(node));
    return { driver, container: containerName(service?.Spec?.Name ?? name, task) };
  }

  override async readFile(container: string, path: string): Promise<string | undefined> {
    const place = await this.placeOf(container).catch((error: unknown) => {
      // A node that does not answer may have it.
      if (error instanceof UserError && error.exitCode !== ExitCode.hostNotReady) return undefined;
      throw error;
    });
    return place?.driver.readFile(place.container, path);
  }

  /** The IPv4 blocks of the Swarm's networks, and of those of its nodes. */
  override async subnets(): Promise<string[]> {
    const nodes = await this.nodes.ready();
    const blocks = await Promise.all([super.subnets(), ...nodes.map(({ driver }) => driver.subnets())]);
    return [...new Set(blocks.flat())];
  }

  /** It can't limit the layer of a service's container. */
  override async limitsDisk(): Promise<boolean> {
    return false;
  }

  /** Whether every node that answers has the same image of this name. */
  override async hasImage(tag: string): Promise<boolean> {
    return (await this.imageIds(tag, await this.nodes.ready())) !== undefined;
  }

  /** The image's id on these nodes; `undefined` if one lacks it, or has another of this name. */
  private async imageIds(tag: string, nodes: readonly KnownNode[]): Promise<string | undefined> {
    const ids = await Promise.all(nodes.map(({ driver }) => imageId(driver, tag)));
    return ids.every((id) => id === ids[0]) ? ids[0] : undefined;
  }

  /**
   * Loads an image into each node that answers. It is imported by one of them and copied to the others, because each import makes an
   * image with an id of its own, and the service names its image by id.
   */
  override async loadImage(image: BuiltImage, progress?: Progress): Promise<string> {
    const nodes = await this.nodes.ready();
    const ids = await Promise.all(nodes.map(({ driver }) => imageId(driver, image.containerTag)));
    const [first] = nodes;
    const source = nodes[ids.findIndex((id) => id !== undefined)] ?? first;
    if (source === undefined) throw new Error("no node is ready");
    const id = await source.driver.loadImage(image, progress);
    for (const [i, node] of nodes.entries()) {
      if (node === source || ids[i] === id) continue;
      progress?.update(`copying the image to node ${node.name}`);
      await copyImage(source.driver.client, node.driver.client, { id, tag: image.containerTag });
    }
    return id;
  }

  /**
   * What a service is made with: its image by id, and the nodes that it must not use. One that exists keeps its image.
   *
   * @throws UserError when there is neither.
   */
  async forService(name: string, tag: string): Promise<{ image: string; avoid: string[] }> {
    const [service, own, avoid] = await Promise.all([
      this.service(name),
      this.nodes.ready().then((nodes) => this.imageIds(tag, nodes)),
      this.nodes.unnamed(),
    ]);
    const kept = (service?.Spec as ServiceSpec | undefined)?.TaskTemplate?.ContainerSpec?.Image;
    const image = kept ?? own;
    // Never by its name: a node would ask a registry for another image of that name.
    if (image !== undefined) return { image, avoid };
    throw new UserError(`not every node of the Swarm has the image ${tag}`, {
      why: "it was removed, or a node has joined since; nothing was changed",
      fix: "trilab up loads it, if it is still in the cache (trilab images ls)",
    });
  }

  private async service(name: string): Promise<Docker.Service | undefined> {
    const found = await lookUp(`service ${name} could not be read`, () =>
      this.client.getService(name).inspect(),
    );
    return found as Docker.Service | undefined;
  }

  override async pruneImages(keep: ReadonlySet<string>): Promise<void> {
    const nodes = await this.nodes.ready();
    await Promise.all(nodes.map(({ driver }) => driver.pruneImages(keep)));
  }

  /** The nodes of which nobody can say what they have. One that was removed from the Swarm is none of them. */
  override async lost(): Promise<{ name: string; endpoint: DockerEndpoint }[]> {
    return (await this.nodes.lost()).map(({ endpoint, name }) => ({ name, endpoint }));
  }
}

/** A service can't limit swap, and Docker allows a container as much swap as memory. Holds until the Swarm makes it anew. */
async function withoutSwap({ container, driver }: Place): Promise<void> {
  await asking(`the swap of ${container} could not be limited`, async () => {
    const there = driver.client.getContainer(container);
    const { Memory, MemorySwap } = (await there.inspect()).HostConfig;
    if (Memory && MemorySwap !== Memory) await there.update({ Memory, MemorySwap: Memory });
  });
}

const hasLimits = ({ Spec }: Task): boolean => (Spec?.Resources?.Limits?.Pids ?? 0) > 0;

/** What the Swarm says about the newest of a service's tasks. */
function reasonOf(tasks: readonly Task[]): string {
  const [newest] = tasks;
  if (newest === undefined) return "it has no task yet";
  const said = tasks.find(({ Status }) => Status.Err)?.Status.Err;
  return `its task is ${newest.Status.State}${said ? `: ${said}` : ""}`;
}

/** Removes something as soon as nothing uses it. "No such object" is success. */
async function whenUnused(remove: () => Promise<unknown>): Promise<void> {
  const limit = Date.now() + END_MS;
  await poll(
    async () =>
      remove().then(
        () => true,
        (error: unknown) => {
          if (isGone(error)) return true;
          // 409: a container uses the volume. 400, 403: a task uses the network.
          if (![400, 403, 409].includes(statusOf(error) ?? 0) || Date.now() >= limit) throw error;
          return undefined;
        },
      ),
    { limitMs: END_MS, everyMs: 300 },
  );
}

async function imageId({ client }: DockerDriver, tag: string): Promise<string | undefined> {
  return (await lookUp(`image ${tag} could not be read`, () => client.getImage(tag).inspect()))?.Id;
}

import type Docker from "dockerode";
import { digest } from "../../base/digest.js";
import { ExitCode, hasCode, messageOf, UserError } from "../../base/errors.js";
import type { Progress } from "../../base/progress.js";
import { addressOf, type DockerEndpoint, isLocal } from "../../model/endpoint.js";
import { homeVolumeName, machineName, type SeatId } from "../../model/naming.js";
import { type Snapshot, snapshotImages } from "../../model/snapshots.js";
import { SWARM_LABEL } from "../../model/swarm.js";
import type { Found, Inventory, Labelled } from "../found.js";
import type { Ending, StopOptions } from "../stop-options.js";
import { asking, dockerClient, isGone } from "./connect.js";
import { ContainerEnvironment } from "./container-environment.js";
import { ContainerMachine } from "./container-machine.js";
import { limitsDisk } from "./disk-limit.js";
import { readContainerFile } from "./file.js";
import { type BuiltImage, containerImageLoaded, importContainerImage } from "./image.js";
import { type ContainerWanted, mendContainer, startOrLeaveNetwork } from "./mend-container.js";
import {
  type ContainerAddress,
  type ContainerContent,
  type ContainerDefinition,
  definitionOf,
  recreateContainer,
} from "./recreate-container.js";
import {
  containerSnapshots,
  imagesOf,
  isSnapshotImage,
  removeContainerSnapshot,
  removeNameless,
  type SavedContainer,
  saveContainer,
  undoSave,
} from "./snapshot.js";
import { readSnapshot, writeSnapshot } from "./snapshot-file.js";
import { stopContainer } from "./stop-container.js";
import { limitsSwap } from "./swap-limit.js";
import { unfilteredCalls } from "./syscall-filter.js";

/** How many connections by ssh all drivers of a daemon share: many seats at once would open some for each. */
const SSH_CONNECTIONS = 8;

/** One Docker daemon: all queries and actions of trilab outside the engine. */
export class DockerDriver {
  readonly client: ReturnType<typeof dockerClient>;

  /** Does not connect yet. @throws UserError when the endpoint's address is invalid. */
  constructor(readonly endpoint: DockerEndpoint) {
    this.client = dockerClient(endpoint, SSH_CONNECTIONS);
  }

  /** Whether the daemon runs on this machine, so that its processes and files can be read here. */
  get isLocal(): boolean {
    return isLocal(this.endpoint);
  }

  /**
   * Whether the daemon answers.
   *
   * @param timeoutMs Default 5 s; a daemon behind ssh gets three times as long.
   * @throws UserError (exit 3) when it does not.
   */
  async preflight(timeoutMs = 5_000): Promise<void> {
    const limit = this.isLocal ? timeoutMs : 3 * timeoutMs;
    let timer: NodeJS.Timeout | undefined;
    try {
      await Promise.race([
        this.client.ping(),
        new Promise((_, reject) => {
          timer = setTimeout(() => reject(new Error(`no answer within ${limit / 1000} s`)), limit);
        }),
      ]);
    } catch (error) {
      throw new UserError(`the Docker daemon at ${addressOf(this.endpoint)} does not answer`, {
        why: messageOf(error),
        fix: hasCode(error, "EACCES")
          ? "you may not use its socket: join the group docker (sudo usermod -aG docker $USER, then log in again)"
          : this.isLocal
            ? "start it: trilab doctor --fix"
            : "start it there, and check the network and your permission to use it (trilab doctor --host); to make a new seat elsewhere: --docker",
        exitCode: ExitCode.hostNotReady,
        cause: error,
      });
    } finally {
      clearTimeout(timer);
    }
  }

  /** The daemon's version and the version of its API. */
  async version(): Promise<{ version: string; api: string }> {
    const { Version, ApiVersion } = await this.client.version();
    return { version: Version, api: ApiVersion };
  }

  /** CPUs and bytes of memory of the daemon's host. */
  async capacity(): Promise<{ cpus: number; memory: number }> {
    const info = await asking("the Docker daemon's host can't be looked at", () => this.client.info());
    const { NCPU, MemTotal } = info as { NCPU: number; MemTotal: number };
    return { cpus: NCPU, memory: MemTotal };
  }

  /** One seat's things by label and by name; without a seat, those of every seat, by label. */
  async inventory(seat?: SeatId): Promise<Inventory> {
    const label = seat ? [`trilab.lab=${seat.lab}`, `trilab.seat=${seat.seat}`] : ["trilab.seat"];
    const machine = seat && machineName(seat, "container");
    // A name filter matches anywhere in the name; ^…$ makes it exact. Clones are left behind by an interrupted `compare`.
    const filters = (name: string): Record<string, string[]>[] => [
      { label },
      ...(seat ? [{ name: [`^/?${name}$`] }] : []),
    ];
    const each = async <T>(
      name: string,
      list: (filter: Record<string, string[]>) => Promise<readonly T[]>,
    ): Promise<T[]> => (await Promise.all(filters(name).map(list))).flat();
    const [containers, networks, volumes, snapshots] = await Promise.all([
      each(`${machine}(-clone[0-9]+)?`, (filter) =>
        this.client.listContainers({ all: true, filters: filter }),
      ),
      each(String(machine), (filter) => this.client.listNetworks({ filters: filter })),
      each(
        seat ? homeVolumeName(seat) : "",
        async (filter) => (await this.client.listVolumes({ filters: filter })).Volumes ?? [],
      ),
      imagesOf(this.client, seat),
    ]);
    const all = [
      ...containers.map((c) =>
        thing("container", (c.Names[0] ?? c.Id).replace(/^\//, ""), c.Id, c.State, c.Labels),
      ),
      // Networks and homes of a Swarm belong to its services, which SwarmDriver lists.
      ...networks
        .filter(({ Scope }) => Scope !== "swarm")
        .map((n) => thing("container network", n.Name, n.Id, "", n.Labels)),
      ...volumes
        .filter(({ Labels }) => Labels?.[SWARM_LABEL] === undefined)
        .map((v) => thing("container volume", v.Name, v.Name, "", v.Labels)),
      ...snapshots.map((i) => thing("container snapshot", i.RepoTags?.[0] ?? i.Id, i.Id, "", i.Labels)),
    ];
    const unique = new Map(all.map((item) => [`${item.found.kind} ${item.found.id}`, item]));
    return { labelled: [...unique.values()], named: [] };
  }

  /**
   * A digest of all that the daemon has of a seat, with its configuration. It changes when somebody changes, starts or
   * stops one of them.
   *
   * @returns `undefined` when a container does not run.
   */
  async fingerprint(seat: SeatId): Promise<string | undefined> {
    const things = (await this.inventory(seat)).labelled
      .map(({ found }) => found)
      .filter(({ kind }) => kind !== "container snapshot"); // `up` does not know them.
    if (things.some(({ kind, state }) => kind === "container" && state !== "running")) return undefined;
    const parts = await Promise.all(things.map((found) => this.configuration(found)));
    return digest(parts.map((part) => JSON.stringify(part)).sort());
  }

  /** What of a thing changes only when somebody changes it. */
  private async configuration({ id, kind }: Found): Promise<unknown> {
    if (kind === "container volume") {
      // Not its CreatedAt, which is the time of the last change in its topmost folder.
      const { Driver, Labels, Name, Options } = await this.client.getVolume(id).inspect();
      return { Driver, Labels, Name, Options };
    }
    if (kind === "container network") {
      const { Containers: _, ...network } = (await this.client
        .getNetwork(id)
        .inspect()) as Docker.NetworkInspectInfo;
      return network;
    }
    const container = await this.client.getContainer(id).inspect();
    const { Config, HostConfig, Id, Image, Mounts, Name, NetworkSettings, RestartCount, State } = container;
    const { Paused, Running, StartedAt } = State;
    const hasImage = await this.hasImage(Config.Image);
    const networks = Object.entries(NetworkSettings.Networks).map(([name, network]) => {
      const { IPAMConfig, IPAddress, MacAddress, NetworkID } = network;
      return { name, IPAMConfig, IPAddress, MacAddress, NetworkID };
    });
    const own = { Config, HostConfig, Id, Image, Mounts, Name, RestartCount };
    return { ...own, hasImage, networks, Paused, Running, StartedAt };
  }

  /** Removes one thing, running or not. Succeeds if it is already gone. */
  async remove({ kind, id }: Found): Promise<void> {
    if (kind === "container") await ifThere(this.client.getContainer(id).remove({ force: true, v: false }));
    else if (kind === "container volume") await ifThere(this.client.getVolume(id).remove());
    else if (kind === "container network") await this.removeNetwork(id);
    else if (kind === "container snapshot") await ifThere(this.client.getImage(id).remove({ force: true }));
  }

  private async removeNetwork(id: string): Promise<void> {
    const network = this.client.getNetwork(id);
    const details = await network.inspect().catch(() => undefined);
    for (const container of Object.keys(details?.Containers ?? {}))
      await network.disconnect({ Container: container, Force: true }).catch(() => {});
    await ifThere(network.remove());
  }

  /**
   * Starts a container that is stopped or paused. If its network is gone, it is disconnected from it and stays stopped until
   * {@link mend} connects it to the new one.
   */
  async start({ id, state }: Found): Promise<void> {
    if (state === "paused") await this.client.getContainer(id).unpause();
    else await startOrLeaveNetwork(id, this.client);
  }

  /** Stops a container until it is started again by {@link start}, and waits until it is off. */
  async stop({ id, kind, name }: Found, options: StopOptions): Promise<Ending> {
    if (kind !== "container") throw new Error(`a ${kind} can't be stopped`);
    return asking(`container ${name} could not be stopped`, () =>
      stopContainer(this.client.getContainer(id), options),
    );
  }

  /** The IPv4 blocks of the daemon's networks. */
  async subnets(): Promise<string[]> {
    const networks = await this.client.listNetworks();
    return networks
      .flatMap((n) => (n.IPAM?.Config ?? []).map((c) => c.Subnet ?? ""))
      .filter((subnet) => subnet.includes("."));
  }

  /** Whether networks of trilab are left, of any owner. */
  async hasSeatNetworks(): Promise<boolean> {
    return (await this.client.listNetworks({ filters: { label: ["trilab.owner"] } })).length > 0;
  }

  /** The text of a small file in a container, running or not; `undefined` when there is no such file or container. */
  readFile(container: string, path: string): Promise<string | undefined> {
    return readContainerFile(this.client, container, path);
  }

  /** Repairs a container without replacing it. @returns what was changed, in words. */
  mend(container: string, wanted: ContainerWanted): Promise<string[]> {
    return mendContainer(container, wanted, this.client);
  }

  /** What a container and its volumes are made from; `undefined` when there is no such container. */
  definition(container: string, at: ContainerAddress): Promise<ContainerDefinition | undefined> {
    return definitionOf(this.client, container, at);
  }

  /**
   * Makes a container and its volumes anew: all that is in them is lost.
   *
   * @returns the container's new id. It is not started.
   */
  recreateContainer(definition: ContainerDefinition, content: ContainerContent): Promise<string> {
    return recreateContainer(this.client, definition, content);
  }

  /** Saves a container's layer and home under a name, paused if it runs. */
  save(saved: SavedContainer, name: string): Promise<void> {
    return saveContainer(this.client, saved, name);
  }

  /** Lets a container go on whose saving was interrupted, and removes what was saved. */
  async undoSave(container: string, name: string): Promise<undefined> {
    await undoSave(this.client, container, name);
  }

  /** The complete snapshots of a seat's container, the oldest first. */
  snapshots(seat: SeatId): Promise<Snapshot[]> {
    return containerSnapshots(this.client, seat, machineName(seat, "container"));
  }

  /** What a container is made from to have what a snapshot has: its layer by id, as the name may be removed before it. */
  async snapshotContent(seat: SeatId, name: string, path: string): Promise<ContainerContent> {
    const { home, layer } = snapshotImages(machineName(seat, "container"), name);
    await Promise.all([layer, home].map((image) => this.requireImage(image)));
    const { Id: image } = await this.client.getImage(layer).inspect();
    return { image, home: { image: home, volume: homeVolumeName(seat), path } };
  }

  /** Writes a snapshot to files in a folder, without what the image `base` has. */
  async writeSnapshot(seat: SeatId, options: { base: string; dir: string; name: string }): Promise<void> {
    await this.requireImage(options.base);
    await writeSnapshot(this.client, machineName(seat, "container"), options);
  }

  /** Makes a snapshot of a seat from such files. @throws UserError when they are damaged, or of another base image. */
  async readSnapshot(seat: SeatId, options: Parameters<typeof readSnapshot>[2]): Promise<void> {
    await this.requireImage(options.base);
    await readSnapshot(this.client, machineName(seat, "container"), options);
  }

  /** Removes a snapshot, complete or not. A container that was made from it keeps its image, without a name. */
  removeSnapshot(seat: SeatId, name: string): Promise<void> {
    return removeContainerSnapshot(this.client, machineName(seat, "container"), name);
  }

  /** Removes a seat's images that have lost their name and that no container uses any more. */
  removeNameless(seat: SeatId): Promise<void> {
    return removeNameless(this.client, seat);
  }

  /** Whether the daemon can limit swap. */
  limitsSwap(): Promise<boolean> {
    return limitsSwap(this.client);
  }

  /** Whether the daemon can limit the size of a container's layer. */
  limitsDisk(): Promise<boolean> {
    return limitsDisk(this.client);
  }

  /** What its system call filter should refuse and does not; `undefined` where there is no image to try it with. */
  unfilteredCalls(): Promise<string[] | undefined> {
    return unfilteredCalls(this.client);
  }

  /** Whether the daemon has this image: a tag, or an id. */
  hasImage(tag: string): Promise<boolean> {
    return containerImageLoaded(this.client, tag);
  }

  /** @throws UserError when the daemon does not have this image. Nothing was changed then. */
  async requireImage(tag: string): Promise<void> {
    if (await this.hasImage(tag)) return;
    throw new UserError(`Docker does not have the image ${tag}`, {
      why: "it was removed; nothing was changed",
      fix: "trilab up loads it, if it is still in the cache (trilab images ls)",
    });
  }

  /** Loads an image that was built here, unless the daemon has it. @returns its id. */
  loadImage(image: BuiltImage, progress?: Progress): Promise<string> {
    return importContainerImage(this.client, image, progress ? { progress } : {});
  }

  /**
   * Removes trilab's images except these (hashes), and except those that a snapshot of any seat needs. An image of an existing
   * container stays, because the daemon refuses.
   */
  async pruneImages(keep: ReadonlySet<string>): Promise<void> {
    const images = await this.client.listImages({ filters: { label: ["trilab.image"] } });
    const hashOf = ({ Labels }: Docker.ImageInfo): string | undefined => Labels?.["trilab.image"];
    const needed = new Set([...keep, ...images.filter(isSnapshotImage).map(hashOf)]);
    for (const image of images.filter((each) => !isSnapshotImage(each))) {
      const hash = hashOf(image);
      if (hash === undefined || needed.has(hash)) continue;
      await this.client
        .getImage(image.Id)
        .remove()
        .catch(() => {});
    }
  }

  /** Both sides of a container, by name. Does not connect yet. */
  async open(name: string, user: string): Promise<ContainerSides> {
    return {
      environment: new ContainerEnvironment(name, user, this.endpoint),
      machine: this.machine(name, user),
    };
  }

  /** A container of this daemon, seen from its host. Does not connect yet. */
  machine(name: string, user: string): ContainerMachine {
    return new ContainerMachine(name, user, this);
  }

  /** Daemons behind this one that do not answer: see SwarmDriver. One daemon alone has none. */
  async lost(): Promise<{ name: string; endpoint: DockerEndpoint }[]> {
    return [];
  }
}

/** A container to run commands in, and the same container seen from its host: power and cost. */
export interface ContainerSides {
  environment: ContainerEnvironment;
  machine: ContainerMachine;
}

export const thing = (
  kind: Found["kind"],
  name: string,
  id: string,
  state: string,
  labels: Record<string, string> | null | undefined,
): Labelled => ({ labels: labels ?? {}, found: { kind, name, id, state, owner: labels?.["trilab.owner"] } });

/** Awaits a removal; "no such object" is success. */
export async function ifThere(removal: Promise<unknown>): Promise<void> {
  await removal.catch((error: unknown) => {
    if (!isGone(error)) throw error;
  });
}

import type Docker from "dockerode";
import { type DockerEndpoint, hostOf, isLocal } from "../../model/endpoint.js";
import { LIFETIME_PROGRAM } from "../../model/lifetime.js";
import type { MachineSize } from "../../model/machine-size.js";
import {
  cgroupCost,
  diskFree,
  hostProcess,
  memoryOfProcess,
  parentOf,
  requireContainerProcess,
} from "../host-cost.js";
import {
  type Clone,
  HostCostError,
  type HostProcess,
  type Machine,
  type MemoryCost,
  type StoredImage,
  type Unpacked,
} from "../machine.js";
import { GRACE_MS } from "../stop-options.js";
import { lookUp, passOver } from "./connect.js";
import { ContainerEnvironment } from "./container-environment.js";
import { ofImage, unpackedBytes } from "./image-size.js";
import { startContainer } from "./mend-container.js";
import { packContainer, removeUnpackedImage, unpackImage, unpackVolumes } from "./move-container.js";

/** The default block size of ext4 and XFS. */
const BLOCK_BYTES = 4096;

/** The daemon that has the container. */
interface Daemon {
  client: Docker;
  endpoint: DockerEndpoint;
}

/** The container, seen from its host. */
export class ContainerMachine implements Machine {
  readonly target = "container";

  constructor(
    readonly name: string,
    private readonly user: string,
    private readonly daemon: Daemon,
  ) {}

  get host(): string {
    return hostOf(this.daemon.endpoint);
  }

  private get docker(): Docker {
    return this.daemon.client;
  }

  private get container(): Docker.Container {
    return this.docker.getContainer(this.name);
  }

  async start(): Promise<void> {
    if (!(await this.running())) await startContainer(this.container);
  }

  async stop(): Promise<void> {
    if (await this.running()) await this.container.stop({ t: GRACE_MS / 1000 });
  }

  async running(): Promise<boolean> {
    const info = await lookUp(`container "${this.name}" can't be read`, () => this.container.inspect());
    return info?.State.Running === true;
  }

  async memory(): Promise<MemoryCost> {
    const pid = await this.mainProcess();
    const [{ memory }, shim] = await Promise.all([
      cgroupCost(pid),
      // The shim process that holds the container for the daemon is part of its cost, too.
      parentOf(pid).then((parent) => memoryOfProcess(parent)),
    ]);
    return {
      own: memory.own + shim.own,
      shared: memory.shared + shim.shared,
      parts: { processes: memory.own, shim: shim.own },
    };
  }

  async process(): Promise<HostProcess> {
    return hostProcess(await this.mainProcess());
  }

  /**
   * Looks it up by its id: the tag may be gone, or name another image by now. It never counts as changed, because the id is a digest of
   * its content.
   */
  async image(): Promise<StoredImage> {
    const { Image } = await this.container.inspect();
    return { bytes: await unpackedBytes(this.docker, Image), changed: false };
  }

  /** Its writable layer and its own volumes, because a guest's disk includes its home, too. */
  async disk(): Promise<number> {
    const [layer, volumes] = await Promise.all([this.layer(), this.volumes()]);
    return layer + volumes;
  }

  private async layer(): Promise<number> {
    const filters = { name: [`^/?${this.name}$`] };
    const [info] = (await this.docker.listContainers({ all: true, size: true, filters })) as {
      SizeRw?: number;
    }[];
    if (info === undefined) throw new HostCostError(`there is no container ${this.name}`);
    // Docker omits it if it is zero, and adds up the bytes of files, while a file system allocates whole blocks.
    return Math.ceil((info.SizeRw ?? 0) / BLOCK_BYTES) * BLOCK_BYTES;
  }

  private async volumes(): Promise<number> {
    const { Mounts } = await this.container.inspect();
    const paths = Mounts.filter(({ Type }) => Type === "volume").map(({ Destination }) => Destination);
    if (paths.length === 0) return 0;
    const inside = new ContainerEnvironment(this.name, this.user, this.daemon.endpoint);
    const { exitCode, stdout, stderr } = await inside.exec(["du", "-s", "-B1", "--", ...paths], {
      root: true,
    });
    if (exitCode !== 0) throw new HostCostError(`can't measure the volumes of ${this.name}: ${stderr}`);
    return stdout.split("\n").reduce((sum, line) => sum + Number.parseInt(line, 10), 0);
  }

  async cpuSeconds(): Promise<number> {
    return (await cgroupCost(await this.mainProcess())).cpuSeconds;
  }

  /** Docker can set a cpuset but never remove it, so measured programs are started on the chosen CPUs instead. */
  async pin(): Promise<undefined> {
    return undefined;
  }

  /**
   * Makes another container with the same limits, without starting it. Its labels let `down` find it.
   *
   * @param image Default: its own.
   */
  async create(name: string, image?: string): Promise<Docker.Container> {
    await this.docker
      .getContainer(name)
      .remove({ force: true, v: true })
      .catch(() => {});
    const { Config, HostConfig, NetworkSettings } = await this.container.inspect();
    const network = Object.keys(NetworkSettings.Networks).find((n) => n !== "bridge") ?? "none";
    return this.docker.createContainer({
      name,
      Hostname: name.slice(-63),
      Image: image ?? Config.Image,
      // Its own image has them, too; one that was unpacked has not.
      Env: Config.Env,
      Entrypoint: Config.Entrypoint,
      // It is removed after the measurement; the seat's original expiry may have passed.
      Cmd: [LIFETIME_PROGRAM, "run", "never"],
      Labels: Config.Labels,
      HostConfig: {
        // The home volume belongs to the seat alone.
        ...HostConfig,
        Binds: [],
        Mounts: [],
        NetworkMode: network,
        RestartPolicy: { Name: "no" },
      },
    });
  }

  async diskFree(): Promise<number> {
    const { DockerRootDir } = (await this.docker.info()) as { DockerRootDir: string };
    if (!isLocal(this.daemon.endpoint)) throw new HostCostError("the Docker daemon is on another machine");
    return diskFree(DockerRootDir);
  }

  /**
   * The folder on this host that holds the files of the container's image. Never write to it.
   *
   * @throws HostCostError if the daemon is on another machine, or if it does not keep the image in one folder.
   */
  async imageFolder(): Promise<string> {
    if (!isLocal(this.daemon.endpoint)) throw new HostCostError("the Docker daemon is on another machine");
    const { Image } = await this.container.inspect();
    const info = await ofImage(() => this.docker.getImage(Image).inspect());
    const { GraphDriver, RootFS } = info as Pick<typeof info, "RootFS"> & Partial<typeof info>;
    // With containerd's image store there is none.
    if (!GraphDriver) throw new HostCostError("the Docker daemon does not tell where it keeps the image");
    const folder = (GraphDriver.Data as { UpperDir?: string } | null)?.UpperDir;
    if (GraphDriver.Name !== "overlay2" || RootFS.Layers?.length !== 1 || folder === undefined)
      throw new HostCostError(
        "the Docker daemon does not keep the image in one folder (overlay2, one layer)",
      );
    return folder;
  }

  /** @throws HostCostError if no limit is set, because that could not be restored. */
  async size(): Promise<MachineSize> {
    const { Memory, NanoCpus } = (await this.container.inspect()).HostConfig;
    if (!Memory || !NanoCpus) throw new HostCostError(`${this.name} has no limit for memory and CPU time`);
    return { memory: Memory, cpus: NanoCpus / 1e9 };
  }

  async resizeProblem(): Promise<undefined> {
    return undefined;
  }

  async resize({ memory, cpus }: Partial<MachineSize>): Promise<void> {
    await this.container.update({
      ...(memory === undefined ? {} : { Memory: memory, MemorySwap: memory }),
      ...(cpus === undefined ? {} : { NanoCpus: Math.round(cpus * 1e9) }),
    });
  }

  async clone(index: number, signal: AbortSignal): Promise<Clone> {
    const started = performance.now();
    const name = `${this.name}-clone${index}`;
    const container = await this.create(name);
    const remove = (): Promise<void> => container.remove({ force: true, v: true });
    try {
      return { ...(await this.startClone(name, started, signal)), remove };
    } catch (error) {
      await remove();
      throw error;
    }
  }

  private async startClone(
    name: string,
    started: number,
    signal: AbortSignal,
  ): Promise<Omit<Clone, "remove">> {
    await startContainer(this.docker.getContainer(name));
    const machine = new ContainerMachine(name, this.user, this.daemon);
    const environment = new ContainerEnvironment(name, this.user, this.daemon.endpoint);
    await environment.firstAnswer(["true"], { signal });
    return { seconds: (performance.now() - started) / 1000, machine, environment };
  }

  async pack(folder: string, signal: AbortSignal): Promise<void> {
    await packContainer(this.container, folder, signal);
  }

  async unpack(folder: string, index: number, signal: AbortSignal): Promise<Unpacked> {
    const name = `${this.name}-clone${index}`;
    const remove = async (): Promise<void> => {
      await this.docker.getContainer(name).remove({ force: true, v: true }).catch(passOver(404));
      await removeUnpackedImage(this.docker, name);
    };
    try {
      const { Config } = await this.container.inspect();
      const image = await unpackImage(this.docker, { folder, labels: Config.Labels, name, signal });
      await unpackVolumes(this.container, await this.create(name, image), folder);
    } catch (error) {
      await remove();
      throw error;
    }
    return {
      start: async (signal) => ({ ...(await this.startClone(name, performance.now(), signal)), remove }),
      remove,
    };
  }

  private async mainProcess(): Promise<number> {
    if (!isLocal(this.daemon.endpoint)) throw new HostCostError("the Docker daemon is on another machine");
    const { Id, State } = await this.container.inspect();
    if (!State.Running) throw new HostCostError(`${this.name} is not running`);
    await requireContainerProcess(State.Pid, Id);
    return State.Pid;
  }
}

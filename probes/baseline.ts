import { randomBytes } from "node:crypto";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { messageOf } from "../base/errors.js";
import { privateDir } from "../base/paths.js";
import { isRoot } from "../base/privilege.js";
import { ContainerMachine } from "../drivers/docker/container-machine.js";
import type { ExecOptions, ExecResult } from "../drivers/environment.js";
import type { MachineSize } from "../model/machine-size.js";
import { baselinesDir, cgroupName, cgroupRoots, removeBaseline } from "./baseline-leftovers.js";
import type { Inside, Subject } from "./probe.js";

/** The period of a CPU quota in microseconds, as Docker sets it. */
const PERIOD = 100_000;

/** What container and baseline share, and what only the container has. */
const NOTE =
  "a plain process on the host, in a chroot with the image's files; as in the container: user, CPUs, CPU limit, memory limit; only in the container: overlay file system, namespaces, seccomp filter";

/**
 * Mounts the image's files ($1) read-only on $2/root, with $2/tmp as /var/tmp, in a mount namespace of its own. Holds the
 * namespace until standard input closes, which also happens if trilab is killed.
 */
const MOUNT = `set -e
mount --bind "$1" "$2/root"
mount -o remount,bind,ro "$2/root"
mount -t proc proc "$2/root/proc"
mount --rbind /dev "$2/root/dev"
mount -t tmpfs -o size=16m,mode=1777 tmpfs "$2/root/tmp"
mount --bind "$2/tmp" "$2/root/var/tmp"
echo "ready $$"
exec cat >/dev/null`;

/** Runs MOUNT, and cleans up afterwards: ends the processes in the cgroups ($3, …), then removes cgroups and folder. */
const HOLD = `trap "" INT TERM HUP
image=$1 dir=$2 mount=$3; shift 3
{ unshare --mount --propagation private sh -c "$mount" sh "$image" "$dir" || echo failed; } <&0 &
mounter=$!
cat >/dev/null
for try in $(seq 100); do
  pids=$(cat "$@" 2>/dev/null) && [ "$pids" ] || break
  kill -9 $pids 2>/dev/null
  sleep 0.05
done
wait $mounter
for procs in "$@"; do rmdir "\${procs%/*}"; done
rmdir "$dir/root" && rm -rf "$dir"`;

/** Enters the cgroups ($4 is how many, then their files), the mount namespace of process $1, and the folder $2 as user $3. */
const ENTER = `process=$1 root=$2 user=$3 count=$4; shift 4
for i in $(seq "$count"); do echo $$ > "$1" || exit 125; shift; done
exec nsenter --mount=/proc/$process/ns/mnt chroot --userspec="$user" "$root" env -i "$@"`;

const ENVIRONMENT = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8"];

/** The baseline can't be measured here, and why. */
export class NoBaseline extends Error {
  override readonly name = "NoBaseline";

  get note(): string {
    return `not measured: ${this.message}`;
  }
}

/**
 * A plain process on the host, measured beside the container: the same files and limits without a container. Nobody can log
 * in to it, and it is gone after `close`.
 */
export class Baseline implements Inside {
  readonly target = "baseline";
  readonly note = NOTE;
  private cpus: readonly number[] = [];

  private constructor(
    private readonly name: string,
    private readonly user: string,
    private readonly groups: readonly string[],
    private readonly holder: ReturnType<typeof startHolder>,
    /** The process in the mount namespace. */
    private readonly inside: number,
  ) {}

  /**
   * @param subjects The seat's targets; the container gives the image and the limits.
   * @throws NoBaseline if it can't be measured on this host.
   */
  static async open(subjects: readonly Pick<Subject, "machine">[], user: string): Promise<Baseline> {
    const container = subjects.map(({ machine }) => machine).find((m) => m instanceof ContainerMachine);
    if (container === undefined) throw new NoBaseline("there is no container whose image could be used");
    if (!isRoot()) throw new NoBaseline("it needs root: run compare as root");
    const name = `${process.pid}-${randomBytes(3).toString("hex")}`;
    try {
      const image = await container.imageFolder();
      const groups = await makeCgroups(name, await container.size());
      return await Baseline.hold(name, user, groups, image);
    } catch (error) {
      await removeBaseline(name).catch(() => {}); // The next command tries again.
      throw new NoBaseline(messageOf(error), { cause: error });
    }
  }

  private static async hold(
    name: string,
    user: string,
    groups: readonly string[],
    image: string,
  ): Promise<Baseline> {
    const dir = join(await privateDir(baselinesDir()), name);
    for (const folder of ["", "root", "tmp"]) await mkdir(join(dir, folder), { mode: 0o700 });
    await chmod(join(dir, "tmp"), 0o1777);
    const files = groups.map((group) => join(group, "cgroup.procs"));
    const holder = startHolder(image, dir, files);
    const said = await firstLine(holder);
    const inside = Number(/^ready (\d+)$/.exec(said)?.[1]);
    if (!inside) {
      holder.stdin.end();
      const { stderr } = await holder;
      throw new NoBaseline(`its files can't be mounted: ${stderr.trim().split("\n")[0] ?? ""}`);
    }
    return new Baseline(name, user, files, holder, inside);
  }

  async exec(command: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    const pinned = this.cpus.length > 0 ? ["taskset", "-c", this.cpus.join(",")] : [];
    const root = join(baselinesDir(), this.name, "root");
    const to = [String(this.inside), root, options.root ? "0:0" : this.user];
    const args = [...to, String(this.groups.length), ...this.groups, ...ENVIRONMENT, ...pinned, ...command];
    const result = await execa("sh", ["-c", ENTER, "sh", ...args], {
      reject: false,
      stdin: "ignore",
      timeout: options.timeoutMs ?? 60_000,
    });
    return { exitCode: result.exitCode ?? 255, stdout: result.stdout, stderr: result.stderr };
  }

  async running(): Promise<boolean> {
    return this.holder.exitCode === null;
  }

  pin(cpus: readonly number[]): void {
    this.cpus = cpus;
  }

  /** Ends its processes and removes everything. @throws Error if something could not be removed. */
  async close(): Promise<void> {
    this.holder.stdin?.end();
    await this.holder;
    await removeBaseline(this.name);
  }
}

/** The cgroups with a machine's limits, the same as Docker sets for the container. @returns their folders. */
async function makeCgroups(name: string, { memory, cpus }: MachineSize): Promise<string[]> {
  const { version, folders } = await cgroupRoots();
  const quota = Math.round(cpus * PERIOD);
  const [cpu = "", other = cpu] = folders.map((folder) => join(folder, cgroupName(name)));
  if (version === 2) await writeFile("/sys/fs/cgroup/cgroup.subtree_control", "+cpu +memory");
  for (const group of new Set([cpu, other])) await mkdir(group);
  if (version === 2) {
    await writeFile(join(cpu, "cpu.max"), `${quota} ${PERIOD}`);
    await writeFile(join(cpu, "memory.max"), String(memory));
  } else {
    await writeFile(join(cpu, "cpu.cfs_period_us"), String(PERIOD));
    await writeFile(join(cpu, "cpu.cfs_quota_us"), String(quota));
    await writeFile(join(other, "memory.limit_in_bytes"), String(memory));
  }
  return [...new Set([cpu, other])];
}

/** In its own session, so that Ctrl-C on the terminal does not reach it. */
const startHolder = (image: string, dir: string, files: readonly string[]) =>
  execa("bash", ["-c", HOLD, "bash", image, dir, MOUNT, ...files], {
    detached: true,
    reject: false,
    stdin: "pipe",
  });

/** The first line that it prints; what it printed if it ends before that. */
const firstLine = (holder: ReturnType<typeof startHolder>): Promise<string> =>
  new Promise((resolve) => {
    let text = "";
    holder.stdout.on("data", (more: unknown) => {
      text += String(more);
      if (text.includes("\n")) resolve(text.trim());
    });
    void holder.then(() => resolve(text));
  });

import { access } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { hasCode } from "../../base/errors.js";
import { repoDir } from "../../base/paths.js";
import { subnetOf } from "../../model/cidr.js";
import { machineName } from "../../model/naming.js";
import { readRecord, seatDir } from "../../seats/seat-record.js";
import { type SshTarget, waitForSsh } from "../../test/support/raw-guest.js";
import type { Contestant } from "../figures.js";
import { look, settled } from "../guest-watch.js";
import { aborted, run, tidy, unlessAborted } from "../run.js";
import { LAB, type Scene } from "../scene.js";

/** The program that `./trilab` runs after it has found that nothing needs compiling (line g). */
export const CLI = join(repoDir, "dist/cli/bin.js");

/** The measured CLI, with the bench's own seat and a temporary state directory. */
export function seat(scene: Scene) {
  const id = { lab: LAB, seat: scene.name };
  const guest = machineName(id, "guest");
  const trilab = (...args: string[]) => run(process.execPath, [CLI, ...args, "--seat", scene.name]);
  return {
    guest,
    trilab,
    up: (on: string, ...more: string[]) => trilab("up", LAB, "--on", on, ...more),
    down: () => trilab("down", LAB),
    ssh: async (): Promise<SshTarget> => {
      const dir = seatDir(id);
      const record = await readRecord(id);
      if (record === undefined) throw new Error(`the seat ${scene.name} has no record`);
      return {
        address: subnetOf(record.slot, "guest").address,
        user: record.user,
        keyPath: join(dir, "id_ed25519"),
        knownHosts: join(dir, "known_hosts"),
      };
    },
    /** Waits until the guest can be reached: its keys are written, and its QEMU runs. */
    started: async (): Promise<void> => {
      for (const path of [join(seatDir(id), "known_hosts"), `/run/libvirt/qemu/${guest}.pid`]) {
        while (!(await exists(path))) {
          aborted.signal.throwIfAborted();
          await sleep(20);
        }
      }
    },
  };
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    if (hasCode(error, "ENOENT")) return false;
    throw error;
  }
}

/** Removes what an interrupted measurement has left. */
export const removeSeat = (scene: Scene): Promise<void> =>
  tidy(process.execPath, CLI, "down", LAB, "--seat", scene.name);

/** Line a. */
export function trilabContainer(scene: Scene): Contestant {
  const { down, up } = seat(scene);
  return {
    name: "trilab, container",
    lines: ["a"],
    async round(figures) {
      figures.add("a", "trilab", (await up("container")).seconds);
      await down();
    },
  };
}

/** Both targets: up, up again, down. */
export function trilabBoth(scene: Scene): Contestant {
  const { down, ssh, up } = seat(scene);
  return {
    name: "trilab, both targets",
    lines: ["b", "d", "e"],
    async round(figures) {
      figures.add("b", "trilab", (await up("container,guest")).seconds);
      await settled(await ssh());
      const again = await up("container,guest");
      figures.add("d", "trilab", again.seconds);
      if (!again.stdout.includes("nothing changed")) figures.note("trilab's second up changed something");
      figures.add("e", "trilab", (await down()).seconds);
    },
  };
}

/** Both targets, while an SSH client of the bench waits for the first answer. It takes some of the guest's time. */
export function trilabWatched(scene: Scene): Contestant {
  const { down, guest, ssh, started, up } = seat(scene);
  return {
    name: "trilab, watched",
    lines: ["b-ssh", "boot", "rss"],
    async round(figures) {
      const begin = performance.now();
      const watch = async (): Promise<void> => {
        await started();
        const seconds = await waitForSsh(await ssh(), begin);
        const { age, residentMiB } = await look(guest);
        figures.add("b-ssh", "trilab", seconds);
        figures.add("boot", "trilab", age);
        figures.add("rss", "trilab", residentMiB);
      };
      await Promise.all([up("container,guest"), unlessAborted(watch())]);
      await down();
    },
  };
}

/** Only the guest, to compare with other tools that make guests. */
export function trilabGuest(scene: Scene): Contestant {
  const { down, up } = seat(scene);
  return {
    name: "trilab, guest",
    lines: ["c"],
    async round(figures) {
      figures.add("c", "trilab", (await up("guest")).seconds);
      await down();
    },
  };
}

/** All three targets at once, and the slowest one alone. */
export function trilabThree(scene: Scene): Contestant {
  const { down, up } = seat(scene);
  return {
    name: "trilab, three targets",
    lines: ["h"],
    async round(figures) {
      for (const [who, on] of [
        ["trilab", "container,guest,vps"],
        ["vps alone", "vps"],
      ] as const) {
        figures.add("h", who, (await up(on)).seconds);
        await down();
      }
    },
  };
}

import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { MiB } from "../../model/units.js";
import {
  makeOverlay,
  startRawGuest,
  startRawNetwork,
  stopRawGuest,
  stopRawNetwork,
  waitForSsh,
} from "../../test/support/raw-guest.js";
import type { Cleanup } from "../cleanup.js";
import type { Contestant, Figures } from "../figures.js";
import { look } from "../guest-watch.js";
import { run, tidy, unlessAborted } from "../run.js";
import { type Place, placeFor, type Scene } from "../scene.js";

/** A container without trilab: `docker run`, `docker exec`. */
export function dockerPeer(scene: Scene, cleanup: Cleanup): Contestant {
  const name = `${scene.name}-docker`;
  return {
    name: "docker run",
    lines: ["a"],
    async prepare() {
      cleanup.add("the plain container", () => tidy("docker", "rm", "-f", name));
    },
    async round(figures) {
      const started = await runContainer(scene, name);
      const answered = await run("docker", ["exec", name, "true"]);
      figures.add("a", "docker", started.seconds + answered.seconds);
      await run("docker", ["rm", "-f", name]);
    },
  };
}

const runContainer = (scene: Scene, name: string) =>
  run("docker", ["run", "-d", "--init", "--name", name, scene.image.containerTag, "sleep", "infinity"]);

/** A guest without trilab: `virsh create` of hand-written XML. Network and overlay are made before the measurement. */
export function virshPeer(scene: Scene, cleanup: Cleanup): Contestant {
  let place: Place;
  const overlay = join(scene.dir, "raw.qcow2");
  return {
    name: "virsh create",
    lines: ["b", "b-ssh", "boot", "rss", "e"],
    async prepare() {
      place = await placeFor(scene, "raw");
      cleanup.add("the plain guest", async () => {
        await stopRawGuest(place.name);
        await stopRawNetwork(place.name);
        await tidy("docker", "rm", "-f", place.name);
      });
    },
    async round(figures) {
      await startRawNetwork({ ...place, ...place.subnet });
      await makeOverlay(scene.base.disk, overlay);
      await boot(scene, place, overlay, figures);
      await runContainer(scene, place.name);
      figures.add("e", "raw", await remove(place, overlay));
    },
  };
}

async function boot(scene: Scene, place: Place, overlay: string, figures: Figures): Promise<void> {
  const { spec } = scene;
  const running = await startRawGuest({
    name: place.name,
    uuid: randomUUID(),
    memoryMiB: Math.floor(spec.memory / MiB),
    cpus: spec.cpus,
    type: scene.accelerator === "kvm" ? "kvm" : "qemu",
    kernel: scene.base.kernel,
    initrd: scene.base.initrd,
    disk: overlay,
    network: place.name,
    mac: place.mac,
    identity: place.identity,
  });
  const seconds = await unlessAborted(waitForSsh(place.ssh, running.startedAt));
  const { age, residentMiB } = await look(place.name);
  figures.add("b", "raw", seconds);
  figures.add("b-ssh", "raw", seconds);
  figures.add("boot", "raw", age);
  figures.add("rss", "raw", residentMiB);
}

/** Removes everything, one after the other, like a shell script. @returns seconds. */
async function remove(place: Place, overlay: string): Promise<number> {
  const virsh = (...args: string[]) => run("virsh", ["--connect", "qemu:///system", "--quiet", ...args]);
  const steps = [
    await run("docker", ["rm", "-f", place.name]),
    // A transient domain needs no undefine: it disappears when it is destroyed.
    await virsh("destroy", place.name),
    await virsh("net-destroy", place.name),
    await run("rm", [overlay]),
  ];
  return steps.reduce((sum, step) => sum + step.seconds, 0);
}

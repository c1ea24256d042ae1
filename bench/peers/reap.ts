import { ownershipLabels } from "../../model/labels.js";
import type { Cleanup } from "../cleanup.js";
import type { Contestant } from "../figures.js";
import { REAPED_SEATS } from "../lines.js";
import { run, tidy } from "../run.js";
import { LAB, type Scene } from "../scene.js";
import { CLI } from "./trilab.js";

/** Makes volumes with the labels of many seats of another owner, and measures how fast `reap` lists them. */
export function reapPeer(scene: Scene, cleanup: Cleanup): Contestant {
  const seats = Array.from({ length: REAPED_SEATS }, (_, i) => `${scene.name}-${i}`);
  return {
    name: `trilab reap, ${REAPED_SEATS} seats`,
    lines: ["i"],
    async prepare() {
      cleanup.add("the labelled volumes", () => tidy("docker", "volume", "rm", "-f", ...seats));
      const created = new Date().toISOString();
      for (const seat of seats) {
        const labels = ownershipLabels(
          { lab: LAB, seat, owner: `${scene.name}@nowhere`, created, expires: "never" },
          "container",
        );
        const words = Object.entries(labels).flatMap(([key, value]) => ["--label", `${key}=${value}`]);
        await run("docker", ["volume", "create", ...words, seat]);
      }
    },
    async round(figures) {
      const reap = await run(process.execPath, [CLI, "reap", "--dry-run", "--json"]);
      figures.add("i", "trilab", reap.seconds);
      const seen = seats.filter((seat) => reap.stdout.includes(`"${seat}"`)).length;
      if (seen !== seats.length) figures.note(`trilab reap saw ${seen} of ${seats.length} seats`);
      let raw = 0;
      for (const words of ["ps -a", "network ls", "volume ls"])
        raw += (await run("docker", words.split(" "))).seconds;
      for (const words of ["list --all", "net-list --all", "vol-list trilab"])
        raw += (await run("virsh", words.split(" "))).seconds;
      figures.add("i", "raw", raw);
    },
  };
}

import { rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Cleanup } from "../cleanup.js";
import type { Contestant } from "../figures.js";
import { CLASS_SEATS, REHEARSED_SEATS, RESUMED_SEATS } from "../lines.js";
import { run, tidy } from "../run.js";
import { LAB, type Scene } from "../scene.js";
import { numbered } from "./many.js";
import { CLI } from "./trilab.js";

/** A class of the bench: its files, and what is done with it. Each has a name of its own, because all are prepared before the first round. */
function classOf(scene: Scene, word: string, seats: number, target: "container" | "guest") {
  const name = `${scene.name}-${word}`;
  const file = join(tmpdir(), `${name}.yaml`);
  const roster = `${file}.csv`;
  const trilab = (...args: string[]) => run(process.execPath, [CLI, "class", ...args]);
  const down = (): Promise<void> => tidy(process.execPath, CLI, "class", "down", name);
  return {
    trilab,
    down,
    name,
    file,
    async prepare(cleanup: Cleanup): Promise<void> {
      cleanup.add(`the class ${name}`, async () => {
        await down();
        await rm(file, { force: true });
        await rm(roster, { force: true });
      });
      await writeFile(roster, ["id", ...numbered(scene.name, seats)].join("\n"));
    },
    /** @returns how many seconds `class up` says that it took. */
    async up(resume: boolean): Promise<number> {
      await writeFile(
        file,
        `name: ${name}\nlab: ${LAB}\nroster: ${roster}\ntargets: [${target}]\nresume: ${resume}\n`,
      );
      return JSON.parse((await trilab("up", file, "-y", "--json")).stdout).seconds;
    },
  };
}

/** Line k-8: a class of guests. */
export function trilabGuestClass(scene: Scene, cleanup: Cleanup): Contestant {
  const { down, prepare, up } = classOf(scene, "guests", RESUMED_SEATS, "guest");
  return {
    name: `trilab, a class of ${RESUMED_SEATS} guests`,
    lines: ["k-8"],
    prepare: () => prepare(cleanup),
    async round(figures) {
      for (const [who, resume] of [
        ["trilab", true],
        ["booted", false],
      ] as const) {
        figures.add("k-8", who, await up(resume));
        await down();
      }
    },
  };
}

/** Lines p: a class of containers. */
export function trilabContainerClass(scene: Scene, cleanup: Cleanup): Contestant {
  const { name, prepare, trilab, up } = classOf(scene, "containers", CLASS_SEATS, "container");
  return {
    name: `trilab, a class of ${CLASS_SEATS} containers`,
    lines: ["p", "p-status", "p-down"],
    prepare: () => prepare(cleanup),
    async round(figures) {
      figures.add("p", "trilab", await up(true));
      figures.add("p-status", "trilab", (await trilab("status", name)).seconds);
      figures.add("p-down", "trilab", (await trilab("down", name)).seconds);
    },
  };
}

/** Line q: a rehearsal, with the one seat that it measures. */
export function trilabRehearsal(scene: Scene, cleanup: Cleanup): Contestant {
  const { file, prepare, trilab, up, down } = classOf(scene, "rehearsed", 1, "container");
  return {
    name: `trilab, a rehearsal of ${REHEARSED_SEATS} seats`,
    lines: ["q"],
    async prepare() {
      await prepare(cleanup);
      await up(true); // writes its class.yaml
      await down();
    },
    async round(figures) {
      const rehearse = (seats: number) => trilab("rehearse", String(seats), file, "-y");
      figures.add("q", "one seat", (await rehearse(1)).seconds);
      figures.add("q", "trilab", (await rehearse(REHEARSED_SEATS)).seconds);
    },
  };
}

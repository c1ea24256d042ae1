import { rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Cleanup } from "../cleanup.js";
import type { Contestant } from "../figures.js";
import { RESUMED_SEATS } from "../lines.js";
import { run, tidy } from "../run.js";
import { LAB, type Scene } from "../scene.js";
import { CLI, seat } from "./trilab.js";

/** Line k: a guest that resumes, and one that boots. The golden guest is made before. */
export function trilabResumed(scene: Scene): Contestant {
  const { down, up } = seat(scene);
  return {
    name: "trilab, a resumed guest",
    lines: ["k"],
    async prepare() {
      await up("guest", "--resume");
      await down();
    },
    async round(figures) {
      for (const [who, ...options] of [["trilab", "--resume"], ["booted"]] as const) {
        figures.add("k", who, (await up("guest", ...options)).seconds);
        await down();
      }
    },
  };
}

/** Line k-8: a class of guests. */
export function trilabClass(scene: Scene, cleanup: Cleanup): Contestant {
  const seats = Array.from({ length: RESUMED_SEATS }, (_, i) => `${scene.name}-${i + 1}`);
  const file = join(tmpdir(), `${scene.name}.yaml`);
  const down = (): Promise<void> => tidy(process.execPath, CLI, "class", "down", scene.name);
  return {
    name: `trilab, a class of ${RESUMED_SEATS} guests`,
    lines: ["k-8"],
    async prepare() {
      cleanup.add("the class", async () => {
        await down();
        await rm(file, { force: true });
        await rm(`${file}.csv`, { force: true });
      });
      await writeFile(`${file}.csv`, ["id", ...seats].join("\n"));
    },
    async round(figures) {
      for (const [who, resume] of [
        ["trilab", true],
        ["booted", false],
      ] as const) {
        await writeFile(
          file,
          `name: ${scene.name}\nlab: ${LAB}\nroster: ${file}.csv\ntargets: [guest]\nresume: ${resume}\n`,
        );
        const { stdout } = await run(process.execPath, [CLI, "class", "up", file, "-y", "--json"]);
        figures.add("k-8", who, JSON.parse(stdout).seconds);
        await down();
      }
    },
  };
}

/** Lines l to o: what is done with machines that run. */
export function trilabVerbs(scene: Scene): Contestant {
  const { down, trilab, up } = seat(scene);
  const json = async (...args: string[]) => JSON.parse((await trilab(...args, "--json")).stdout);
  return {
    name: "trilab, the verbs",
    lines: ["l", "l-guest", "m", "n", "o"],
    async round(figures) {
      await up("container,guest");
      figures.add(
        "m",
        "ssh guest",
        (await run(process.execPath, [CLI, "ssh", "guest", "--seat", scene.name, "--", "true"])).seconds,
      );
      figures.add(
        "m",
        "trilab",
        (await run(process.execPath, [CLI, "run", "--seat", scene.name, "--", "true"])).seconds,
      );
      const { inside } = await json("resize", "guest", "--memory", "640MiB");
      figures.add("n", "trilab", inside.seconds.memory);
      figures.add("o", "trilab", (await trilab("snapshot", "save", "bench", "--on", "guest")).seconds);
      figures.add("l", "trilab", (await trilab("reset", "container", "-y")).seconds);
      figures.add("l-guest", "restart", (await trilab("restart", "guest", "--force")).seconds);
      figures.add("l-guest", "trilab", (await trilab("reset", "guest", "-y")).seconds);
      await down();
    },
  };
}

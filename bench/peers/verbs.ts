import type { Contestant } from "../figures.js";
import { run } from "../run.js";
import type { Scene } from "../scene.js";
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

/** Lines l to o: what is done with machines that run. */
export function trilabVerbs(scene: Scene): Contestant {
  const { down, trilab, up } = seat(scene);
  const json = async (...args: string[]) => JSON.parse((await trilab(...args, "--json")).stdout);
  return {
    name: "trilab, the verbs",
    lines: ["l", "l-guest", "m", "n", "o"],
    async round(figures) {
      await up("container,guest");
      const ssh = () => run(process.execPath, [CLI, "ssh", "guest", "--seat", scene.name, "--", "true"]);
      await ssh(); // logs in; the connection is kept for the commands after it
      figures.add("m", "ssh guest", (await ssh()).seconds);
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

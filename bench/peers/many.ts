import { join } from "node:path";
import { repoDir } from "../../base/paths.js";
import { resultsOf } from "../../base/results-of.js";
import type { ManyEnds, ManyRequest } from "../../test/support/many-seats.js";
import type { Cleanup } from "../cleanup.js";
import type { Contestant } from "../figures.js";
import { MANY_SEATS } from "../lines.js";
import { watchMemory } from "../memory.js";
import { run, tidy } from "../run.js";
import type { Scene } from "../scene.js";

const PROGRAM = join(repoDir, "dist/test/support/many-seats.js");
/** Names of that many seats or containers. */
export const numbered = (name: string, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${name}-${i + 1}`);

/** Many container seats in one process, and the memory of that process and of all processes that it starts. */
export function trilabMany(scene: Scene, cleanup: Cleanup): Contestant {
  const request: ManyRequest = { seats: numbered(scene.name, MANY_SEATS).map((seat) => ({ seat })) };
  const words = (verb: "up" | "down"): string[] => [PROGRAM, verb, JSON.stringify(request)];
  const done = (stdout: string): void => {
    const { ends } = JSON.parse(stdout.slice(stdout.lastIndexOf("\n") + 1)) as ManyEnds;
    const failed = ends.find(({ state }) => state !== "done");
    if (failed) throw new Error(`seat ${failed.seat}: ${failed.error?.message} ${failed.error?.why ?? ""}`);
  };
  return {
    name: `trilab, ${MANY_SEATS} containers`,
    lines: ["j", "j-mem"],
    async prepare() {
      cleanup.add("the many seats", () => tidy(process.execPath, ...words("down")));
    },
    async round(figures) {
      let most: (() => Promise<number>) | undefined;
      const started = (pid: number): void => {
        most = watchMemory(pid);
      };
      const up = await run(process.execPath, words("up"), { started });
      if (most) figures.add("j-mem", "trilab", await most());
      done(up.stdout);
      figures.add("j", "trilab", up.seconds);
      done((await run(process.execPath, words("down"))).stdout);
    },
  };
}

/** That many containers without trilab, each with a network: all at once, and one after the other, as in a shell loop. */
export function dockerMany(scene: Scene, cleanup: Cleanup, line: "j" | "p", count: number): Contestant {
  const names = numbered(`${scene.name}-raw`, count);
  const make = async (name: string, i: number): Promise<void> => {
    // Docker's own address pools have room for 31 networks. This block is set aside for measurements (RFC 2544).
    const subnet = `198.18.${i >> 4}.${(i & 15) * 16}/28`;
    await run("docker", ["network", "create", "--subnet", subnet, name]);
    const image = scene.image.containerTag;
    await run("docker", [
      "run",
      "-d",
      "--init",
      "--network",
      name,
      "--name",
      name,
      image,
      "sleep",
      "infinity",
    ]);
  };
  const remove = async (): Promise<void> => {
    await tidy("docker", "rm", "-f", ...names);
    await tidy("docker", "network", "rm", ...names);
  };
  const timed = async (work: () => Promise<void>): Promise<number> => {
    const began = performance.now();
    await work();
    const seconds = (performance.now() - began) / 1000;
    await remove();
    return seconds;
  };
  return {
    name: `docker run, ${count} times`,
    lines: [line],
    async prepare() {
      cleanup.add("the many plain containers", remove);
    },
    async round(figures) {
      figures.add(
        line,
        "at once",
        await timed(async () => void resultsOf(await Promise.allSettled(names.map(make)))),
      );
      figures.add(
        line,
        "in a row",
        await timed(async () => {
          for (const [i, name] of names.entries()) await make(name, i);
        }),
      );
    },
  };
}

import { join } from "node:path";
import { repoDir } from "../base/paths.js";
import type { Cleanup } from "./cleanup.js";
import type { Contestant } from "./figures.js";
import { CLASS_SEATS, MANY_SEATS } from "./lines.js";
import { trilabContainerClass, trilabGuestClass, trilabRehearsal } from "./peers/class.js";
import { dockerMany, trilabMany } from "./peers/many.js";
import { dockerPeer, virshPeer } from "./peers/raw.js";
import { reapPeer } from "./peers/reap.js";
import { terraformPeer } from "./peers/terraform.js";
import {
  CLI,
  removeSeat,
  trilabBoth,
  trilabContainer,
  trilabGuest,
  trilabThree,
  trilabWatched,
} from "./peers/trilab.js";
import { vagrantPeer } from "./peers/vagrant.js";
import { trilabResumed, trilabVerbs } from "./peers/verbs.js";
import { run } from "./run.js";
import type { Scene } from "./scene.js";

/** The contestants. In each round, they run one after the other, in this order. */
export interface Case {
  name: string;
  contestants: readonly Contestant[];
  /** How many rounds are made for each requested one. What takes only a tenth of a second can be measured more often. */
  roundsPerRun: number;
}

export function makeCases(scene: Scene, cleanup: Cleanup): Case[] {
  cleanup.add("trilab's seat", () => removeSeat(scene));
  const here = (list: (Contestant | undefined)[]): Contestant[] => list.filter((c) => c !== undefined);
  return [
    { name: "command line", contestants: commandLine(), roundsPerRun: 2 },
    {
      name: "container",
      contestants: [trilabContainer(scene), dockerPeer(scene, cleanup)],
      roundsPerRun: 1,
    },
    {
      name: "machines",
      contestants: here([
        trilabBoth(scene),
        virshPeer(scene, cleanup),
        trilabGuest(scene),
        terraformPeer(scene, cleanup),
        trilabWatched(scene),
        vagrantPeer(scene, cleanup),
      ]),
      roundsPerRun: 1,
    },
    { name: "three targets", contestants: [trilabThree(scene)], roundsPerRun: 1 },
    {
      name: "many seats",
      contestants: [trilabMany(scene, cleanup), dockerMany(scene, cleanup, "j", MANY_SEATS)],
      roundsPerRun: 1,
    },
    { name: "reap", contestants: [reapPeer(scene, cleanup)], roundsPerRun: 1 },
    {
      name: "resumed guests",
      contestants: [trilabResumed(scene), trilabGuestClass(scene, cleanup)],
      roundsPerRun: 1,
    },
    {
      name: "a class of containers",
      contestants: [
        trilabContainerClass(scene, cleanup),
        dockerMany(scene, cleanup, "p", CLASS_SEATS),
        trilabRehearsal(scene, cleanup),
      ],
      roundsPerRun: 1,
    },
    { name: "verbs", contestants: [trilabVerbs(scene)], roundsPerRun: 1 },
  ];
}

function commandLine(): Contestant[] {
  const timed = (
    name: string,
    line: "f" | "g",
    who: string,
    file: string,
    ...args: string[]
  ): Contestant => ({
    name,
    lines: [line],
    async round(figures) {
      figures.add(line, who, (await run(file, args)).seconds);
    },
  });
  const node = process.execPath;
  return [
    timed("trilab --help", "f", "trilab", node, CLI, "--help"),
    timed("node -e 0", "f", "node", node, "-e", "0"),
    timed("./trilab version", "g", "trilab", join(repoDir, "trilab"), "version"),
    timed("trilab version", "g", "node", node, CLI, "version"),
  ];
}

import { isDeepStrictEqual } from "node:util";
import { imageOfVolume } from "../../model/image-volumes.js";
import { machineOf } from "../../model/naming.js";
import { snapshotOfVolume } from "../../model/snapshots.js";
import { DISK_POOL, IMAGE_POOL } from "./pools.js";
import { lines } from "./virsh.js";

/** What libvirt has of a seat. */
export interface SeatParts {
  /** Every domain runs, and every network is active. */
  runs: boolean;
  /** Names and definitions, as they will be at the next start. */
  definitions: readonly string[];
}

/** The commands whose answers are lists of names. */
const LISTS = {
  domains: "list --all --name",
  networks: "net-list --all --name",
  // Without the flag it lists paused ones, too.
  running: "list --state-running --name",
  active: "net-list --name",
  volumes: `pool-refresh ${DISK_POOL.name}; vol-list ${DISK_POOL.name}`,
  images: `pool-refresh ${IMAGE_POOL.name}; vol-list ${IMAGE_POOL.name}`,
} as const;
type List = keyof typeof LISTS;

/** The command whose output {@link parseParts} reads: one virsh command line, because each virsh takes 40 ms to start. */
export const partsQuestion = (machines: readonly string[]): string =>
  [
    ...Object.entries(LISTS).map(([name, command]) => `echo [[${name}]]; ${command}`),
    ...machines.flatMap((name) => [
      `echo [[domain]]; dumpxml --inactive ${name}`,
      `echo [[network]]; net-dumpxml --inactive ${name}`,
    ]),
    // A part that does not exist has an empty answer.
    "echo",
  ].join("; ");

/** What libvirt has of these machines of a seat, from the answer to {@link partsQuestion}. Pure. */
export function parseParts(machines: readonly string[], answer: string): SeatParts {
  // Split at each marker. After the part before the first one, names and texts alternate.
  const cut = answer.split(/\[\[(\w+)\]\]/).slice(1);
  const parts = cut.flatMap((name, i) => (i % 2 === 0 ? [{ name, text: (cut[i + 1] ?? "").trim() }] : []));
  const list = (of: List): string[] =>
    lines(parts.find(({ name }) => name === of)?.text ?? "")
      .map((line) => line.split(/\s{2,}/)[0] ?? line)
      .sort();
  // A log is rolled over while its guest runs, and `up` does not know snapshots.
  const passed = (name: string): boolean =>
    name.includes(".console.log") || snapshotOfVolume(name) !== undefined;
  const mine = (of: List): string[] =>
    list(of).filter((name) => machines.includes(machineOf(name)) && !passed(name));
  const xml = parts.filter(({ name }) => name === "domain" || name === "network").map(({ text }) => text);
  const [domains, networks] = [mine("domains"), mine("networks")];
  const images = list("images").filter((volume) => {
    const image = imageOfVolume(volume);
    return image !== undefined && xml.some((text) => text.includes(image));
  });
  return {
    runs: isDeepStrictEqual([domains, networks], [mine("running"), mine("active")]),
    definitions: [domains, networks, mine("volumes"), images, xml].map((part) => part.join("\n")),
  };
}

import { describe, expect, it } from "vitest";
import { machineName, machineOf } from "../../model/naming.js";
import {
  snapshotImages,
  snapshotNameProblem,
  snapshotOfVolume,
  snapshotVolumes,
} from "../../model/snapshots.js";

const guest = machineName({ lab: "first-boot", seat: "alice" }, "guest");

describe("a snapshot's names", () => {
  it("tell its machine and its name, for each of its volumes", () => {
    for (const volume of Object.values(snapshotVolumes(guest, "step-2"))) {
      expect(snapshotOfVolume(volume)).toEqual({ machine: guest, name: "step-2" });
      expect(machineOf(volume)).toBe(guest);
    }
  });

  it.each([`${guest}.qcow2`, `${guest}.console.log.0`, `${guest}.seed.iso`, `${guest}..snapshot.qcow2`])(
    "%s is no snapshot's",
    (volume) => {
      expect(snapshotOfVolume(volume)).toBeUndefined();
    },
  );

  it("are tags that Docker accepts, of the longest names too", () => {
    const container = machineName({ lab: "l".repeat(20), seat: "s".repeat(25) }, "container");
    for (const image of Object.values(snapshotImages(container, "n".repeat(30))))
      expect(image).toMatch(/^[a-z0-9]+(-+[a-z0-9]+)*:[a-z0-9-]{1,128}$/);
  });

  it.each(["", "a.b", "Before", "-a", "a/b", "x".repeat(31)])("%s is refused", (name) => {
    expect(snapshotNameProblem(name)).toBeDefined();
  });

  it.each(["before", "step-2", "1"])("%s is accepted", (name) => {
    expect(snapshotNameProblem(name)).toBeUndefined();
  });
});

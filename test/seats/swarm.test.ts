import { expect, it } from "vitest";
import { ExitCode } from "../../base/errors.js";
import { replaceableMachines } from "../../seats/replaceable.js";
import type { SeatRecord } from "../../seats/seat-record.js";
import { isOnSwarm, refuseOnSwarm } from "../../seats/swarm.js";
import { seatRecord } from "./record.js";

const plain = seatRecord();
/** Its container is on a Swarm, its guest is not. */
const onSwarm: SeatRecord = {
  ...plain,
  machines: plain.machines.map((machine) =>
    machine.target === "container"
      ? { ...machine, endpoint: { kind: "docker", host: "ssh://lab1", swarm: { lab1: "ssh://lab1" } } }
      : machine,
  ),
};

it("a container on a Swarm is not stopped, resized or measured, and the error says what to do", () => {
  expect([
    isOnSwarm(onSwarm, "container"),
    isOnSwarm(onSwarm, "guest"),
    isOnSwarm(plain, "container"),
  ]).toEqual([true, false, false]);
  for (const what of ["stop", "resize", "compare"] as const) {
    expect(() => refuseOnSwarm(onSwarm, ["container"], what)).toThrow(
      expect.objectContaining({
        exitCode: ExitCode.usage,
        message: expect.stringMatching(/service of a Docker Swarm/),
        fix: expect.stringMatching(/./),
      }),
    );
    expect(() => refuseOnSwarm(onSwarm, ["guest"], what)).not.toThrow();
    expect(() => refuseOnSwarm(plain, ["container", "guest"], what)).not.toThrow();
  }
});

it("is left out of what is reset or saved, or refused where it was named or is alone", () => {
  expect(replaceableMachines(onSwarm).map(({ target }) => target)).toEqual(["guest"]);
  expect(() => replaceableMachines(onSwarm, ["container"])).toThrow(/can't be reset in place/);
  const alone = { ...onSwarm, machines: onSwarm.machines.slice(0, 1) };
  expect(() => replaceableMachines(alone, undefined, "snapshot")).toThrow(/can't be saved under a name/);
});

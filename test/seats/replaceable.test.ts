import { expect, it } from "vitest";
import { ExitCode } from "../../base/errors.js";
import { replaceableMachines } from "../../seats/replaceable.js";
import { seatRecord } from "./record.js";

const rented = seatRecord({
  targets: ["container", "guest", "vps"],
  rentedAt: { kind: "ec2", region: "eu-central-1" },
});
const targets = (...args: Parameters<typeof replaceableMachines>) =>
  replaceableMachines(...args).map(({ target }) => target);

it("all machines of Docker and libvirt can be replaced in place, a rehearsed VPS too", () => {
  expect(targets(seatRecord({ targets: ["container", "guest", "vps"] }))).toEqual([
    "container",
    "guest",
    "vps",
  ]);
  expect(targets(seatRecord(), ["guest"])).toEqual(["guest"]);
});

it("a rented machine is left out, or refused where it was named", () => {
  expect(targets(rented)).toEqual(["container", "guest"]);
  const refused = expect.objectContaining({
    exitCode: ExitCode.usage,
    message: expect.stringMatching(/rented/),
  });
  expect(() => targets(rented, ["vps"])).toThrow(refused);
  expect(() => targets({ ...rented, machines: rented.machines.slice(2) })).toThrow(refused);
});

it("a target that the seat does not have is not found", () => {
  expect(() => targets(seatRecord(), ["vps"])).toThrow(
    expect.objectContaining({ exitCode: ExitCode.notFound, why: "it has: container, guest" }),
  );
});

import { expect, test } from "vitest";
import { isClone } from "../../seats/clones.js";

const seat = { lab: "web", seat: "alice", owner: "me@here" };

test.each([
  ["container", "trilab-web-alice-container", false],
  ["container", "trilab-web-alice-container-clone1", true],
  ["container", "trilab-web-alice-container-a1b2c3", true],
  ["container volume", "trilab-web-alice-container-home", false],
  ["domain", "trilab-web-alice-guest", false],
  ["guest disk", "trilab-web-alice-guest.qcow2", false],
  ["guest disk", "trilab-web-alice-guest-clone2.qcow2", true],
  ["guest disk", "trilab-web-alice-guest-clone1.kernel", true],
  ["container snapshot", "trilab-web-alice-container-clone1:moved", true],
  ["container snapshot", "trilab-web-alice-container:before", false],
  ["console log", "trilab-web-alice-vps-clone1.console.log", true],
] as const)("%s %s is a clone: %s", (kind, name, expected) => {
  expect(isClone(seat, { kind, name, owner: undefined })).toBe(expected);
  expect(isClone(seat, { kind, name, owner: "me@here" })).toBe(expected);
  expect(isClone(seat, { kind, name, owner: "you@there" })).toBe(false);
});

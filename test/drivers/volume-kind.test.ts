import { expect, test } from "vitest";
import { volumeKind } from "../../drivers/libvirt/volume-kind.js";

const machine = "trilab-first-boot-alice-guest";

test.each([
  [`${machine}.qcow2`, "guest disk"],
  [`${machine}-clone3.qcow2`, "guest disk"],
  [`${machine}-clone1.kernel`, "guest disk"],
  [`${machine}-clone1.initrd`, "guest disk"],
  [`${machine}.host-key`, "host key"],
  [`${machine}.console.log`, "console log"],
  [`${machine}.console.log.0`, "console log"],
  [`${machine}-clone1.console.log.1`, "console log"],
  [`${machine}.resumed.memory`, "memory file"],
  [`${machine}.before.snapshot.qcow2`, "guest snapshot"],
  [`${machine}.before.snapshot.memory`, "guest snapshot"],
  [`${machine}.before.snapshot.json`, "guest snapshot"],
  [`${machine}s.before.snapshot.json`, undefined],
  ["trilab-first-boot-alice2-guest.qcow2", undefined],
  [`${machine}s.qcow2`, undefined],
  [`${machine}-copy.qcow2`, undefined],
  [`x${machine}.qcow2`, undefined],
  [`${machine}.qcow2.bak`, undefined],
])("%s is a %s of the seat", (volume, kind) => {
  expect(volumeKind(machine, volume)).toBe(kind);
});

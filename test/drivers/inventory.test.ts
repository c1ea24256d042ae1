import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { connect, seatInventory } from "../../drivers/drivers.js";
import { removalOrder } from "../../drivers/found.js";
import { AWS_KINDS, KINDS, sourceOf } from "../../model/kinds.js";
import { namedAsBefore, type SeatId } from "../../model/naming.js";

/** A virsh with a guest and a rehearsed VPS of seat alice, and a guest of alice-2. */
const VIRSH = `#!/bin/sh
shift 3
case "$*" in
  "list --all") printf ' 1   trilab-l-alice-guest   running\\n -   trilab-l-alice-vps   shut off\\n 2   trilab-l-alice-2-guest   running\\n' ;;
  "echo "*) for m in guest vps; do
    echo "[trilab-l-alice-$m]<seat><label key='trilab.owner'>me@here</label></seat>"; done ;;
  "net-list --all --name") printf 'default\\ntrilab-l-alice-guest\\ntrilab-l-alice-vps\\n' ;;
  "vol-list trilab") for v in guest.qcow2 guest.console.log vps.qcow2 vps.seed.iso vps.console.log 2-guest.qcow2 \\
      guest.before.snapshot.json 2-guest.before.snapshot.json
    do echo " trilab-l-alice-$v   /pool/trilab-l-alice-$v"; done ;;
  "net-info "*) printf 'Active:         yes\\n' ;;
  "net-dhcp-leases trilab-l-alice-vps") echo ' 2026-01-01 00:00:00   52:54:00:00:00:01   ipv4   10.0.0.9/28' ;;
esac
`;

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "trilab-virsh-"));
  await writeFile(join(dir, "virsh"), VIRSH);
  await chmod(join(dir, "virsh"), 0o755);
  vi.stubEnv("PATH", `${dir}:${process.env.PATH}`);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(dir, { recursive: true });
});

it("finds all of a seat's guest and of its rehearsed VPS, and nothing of the next seat", async () => {
  const found = await seatInventory(
    { lab: "l", seat: "alice" },
    {
      // From afar: then the bridges are not looked for on this machine.
      libvirt: connect({ kind: "libvirt", uri: "qemu+ssh://host/system" }),
    },
  );
  expect(found.map((f) => `${f.kind}: ${f.name} ${f.state} ${f.owner ?? "-"}`.trim())).toEqual([
    "domain: trilab-l-alice-guest running me@here",
    "domain: trilab-l-alice-vps shut off me@here",
    "guest network: trilab-l-alice-guest running -",
    "guest network: trilab-l-alice-vps running -",
    expect.stringMatching(/^lease: .*10\.0\.0\.9/),
    "guest disk: trilab-l-alice-guest.qcow2  -",
    "console log: trilab-l-alice-guest.console.log  -",
    "guest disk: trilab-l-alice-vps.qcow2  -",
    "cloud-init seed: trilab-l-alice-vps.seed.iso  -",
    "console log: trilab-l-alice-vps.console.log  -",
    "guest snapshot: trilab-l-alice-guest.before.snapshot.json  -",
  ]);
  const order = removalOrder(found).map((f) => f.kind);
  expect(order.slice(0, 2)).toEqual(["domain", "domain"]);
});

describe("a guest that an older trilab named trilab-web-lab-1-guest", () => {
  /** What libvirt has of a seat, if the guest's labels say that it is this one. */
  const foundBy = async (id: SeatId, labels: SeatId): Promise<string[]> => {
    await writeFile(
      join(dir, "virsh"),
      `#!/bin/sh
shift 3
case "$*" in
  "list --all") printf ' 1   trilab-web-lab-1-guest   running\\n' ;;
  "echo "*) echo "[trilab-web-lab-1-guest]<seat><label key='trilab.lab'>${labels.lab}</label><label key='trilab.seat'>${labels.seat}</label></seat>" ;;
  "net-list --all --name") echo trilab-web-lab-1-guest ;;
  "vol-list trilab") echo " trilab-web-lab-1-guest.qcow2   /pool/x" ;;
esac
`,
    );
    const libvirt = connect({ kind: "libvirt", uri: "qemu+ssh://host/system" });
    return (await seatInventory(id, { libvirt })).map(({ kind, ofSeat }) =>
      ofSeat ? `${kind} of ${ofSeat.lab}/${ofSeat.seat}` : kind,
    );
  };
  const [old, other] = [
    { lab: "web", seat: "lab-1" },
    { lab: "web-lab", seat: "1" },
  ];

  it("is found by its labels, with network and disk, also without a record", async () => {
    expect(await foundBy(old, old)).toEqual(["domain", "guest network", "guest disk"]);
    expect(await foundBy(namedAsBefore(old), old)).toEqual(["domain", "guest network", "guest disk"]);
  });

  it("is not found, nor anything of it, if it is another seat's", async () => {
    expect(await foundBy(old, other)).toEqual([]);
  });

  it("is another seat's for the seat that has its names now", async () => {
    expect(await foundBy(other, old)).toEqual(["domain of web/lab-1", "guest network", "guest disk"]);
  });
});

it("asks Docker for what is a container's, AWS for what is rented, libvirt for the rest", () => {
  expect(KINDS.filter((kind) => sourceOf(kind) === "docker")).toEqual([
    "container",
    "container network",
    "container volume",
    "container home",
    "container snapshot",
  ]);
  expect(KINDS.filter((kind) => sourceOf(kind) === "libvirt")).toContain("cloud-init seed");
  expect(KINDS.filter((kind) => sourceOf(kind) === "ec2")).toEqual([...AWS_KINDS]);
});

import { beforeEach, expect, it } from "vitest";
import { LibvirtDriver } from "../../../drivers/libvirt/driver.js";
import { resizeDomain } from "../../../drivers/libvirt/resize-guest.js";
import { type Element, parseXml } from "../../../drivers/libvirt/xml.js";
import { LOCAL } from "../../../model/endpoint.js";
import type { MachineSize } from "../../../model/machine-size.js";
import { MiB } from "../../../model/units.js";

interface Domain {
  /** MiB. */
  balloon: number;
  requested: number;
  /** Of a running one. */
  given?: number;
  cpus: number;
}

/** A domain of 512 MiB and 1 CPU that can grow to 1 GiB and 4 CPUs, as libvirt 9.0 prints it. */
const xmlOf = ({ balloon, cpus, given, requested }: Domain): string => `<domain>
  <memory unit='KiB'>${1024 * 1024}</memory>
  <currentMemory unit='KiB'>${(balloon + (given ?? 0)) * 1024}</currentMemory>
  <vcpu placement='static'${cpus === 4 ? "" : ` current='${cpus}'`}>4</vcpu>
  <devices><memballoon model='virtio' freePageReporting='on'/>
  <memory model='virtio-mem'><target><size unit='KiB'>${512 * 1024}</size><node>0</node><block unit='KiB'>2048</block>
  <requested unit='KiB'>${requested * 1024}</requested>${given === undefined ? "" : `<current unit='KiB'>${given * 1024}</current>`}
  </target></memory></devices></domain>`;

const RIGID =
  "<domain><memory unit='KiB'>524288</memory><currentMemory unit='KiB'>524288</currentMemory><vcpu>1</vcpu><devices><memballoon model='none'/></devices></domain>";

let state: string;
let live: string;
let defined: string;
const asked: string[] = [];

class FakeLibvirt extends LibvirtDriver {
  override async domainState(): Promise<string | undefined> {
    return state;
  }
  override async domain(_: string, flag?: string): Promise<Element | undefined> {
    return parseXml(flag === "--inactive" ? defined : live);
  }
  override async virsh(...args: string[]): Promise<string> {
    asked.push(args.join(" "));
    return "";
  }
}
const libvirt = new FakeLibvirt(LOCAL.libvirt);
const size = () => libvirt.machine({ ...access }).size();
const access = {
  target: "guest" as const,
  name: "d",
  address: "",
  user: "",
  identityFile: "",
  knownHostsFile: "",
};

/** What is asked of libvirt and of the guest's kernel, in order. */
async function resizing(change: Partial<MachineSize>, exitCode = 0): Promise<string[]> {
  asked.length = 0;
  await resizeDomain(libvirt, "d", change, async (line) => {
    asked.push(`inside: ${/-ge|cpu\$first/.test(line) ? "use " : ""}${/seq 0 (\d+)/.exec(line)?.[1]}`);
    return { exitCode, stdout: "", stderr: "no" };
  });
  return asked;
}

beforeEach(() => {
  state = "running";
  defined = xmlOf({ balloon: 512, requested: 0, cpus: 1 });
  live = xmlOf({ balloon: 512, requested: 0, given: 0, cpus: 1 });
});

it("grows by its memory device, at once and in its definition, in whole blocks", async () => {
  expect(await resizing({ memory: 769 * MiB })).toEqual([
    "update-memory-device d --node 0 --requested-size 264192KiB --live",
    "update-memory-device d --node 0 --requested-size 264192KiB --config",
  ]);
});

it("shrinks by its balloon, after it has given back what it had got", async () => {
  live = xmlOf({ balloon: 512, requested: 256, given: 256, cpus: 1 });
  defined = xmlOf({ balloon: 512, requested: 256, cpus: 1 });
  expect(await size()).toEqual({ memory: 768 * MiB, cpus: 1 });
  expect(await resizing({ memory: 384 * MiB })).toEqual([
    "setmem d 393216KiB --live",
    "update-memory-device d --node 0 --requested-size 0KiB --live",
    "setmem d 393216KiB --config",
    "update-memory-device d --node 0 --requested-size 0KiB --config",
  ]);
});

it("gets no CPU while it runs if it is emulated: QEMU may abort; its memory, and CPUs that it has, change", async () => {
  live = live.replace("<domain", "<domain type='qemu'");
  await expect(resizing({ memory: 640 * MiB, cpus: 2 })).rejects.toThrow("it is emulated");
  expect(asked).toEqual([]);
  expect(await resizing({ memory: 640 * MiB })).not.toEqual([]);
  live = xmlOf({ balloon: 512, requested: 0, given: 0, cpus: 4 }).replace("<domain", "<domain type='qemu'");
  expect(await resizing({ cpus: 2 })).toEqual(["inside: use 1", "setvcpus d 2 --config"]);
  state = "shut off";
  expect(await resizing({ cpus: 2 })).toEqual(["setvcpus d 2 --config"]);
});

it("has more CPUs plugged in, and its kernel use them", async () => {
  expect(await resizing({ cpus: 3 })).toEqual([
    "setvcpus d 3 --live",
    "inside: use 2",
    "setvcpus d 3 --config",
  ]);
});

it("has fewer CPUs by its kernel's not using them until its next start", async () => {
  live = xmlOf({ balloon: 512, requested: 0, given: 0, cpus: 4 });
  defined = xmlOf({ balloon: 512, requested: 0, cpus: 4 });
  expect(await resizing({ cpus: 2 })).toEqual(["inside: use 1", "setvcpus d 2 --config"]);
  // Its definition counts from then on, and the kernel can be told to use them again.
  defined = xmlOf({ balloon: 512, requested: 0, cpus: 2 });
  expect(await size()).toEqual({ memory: 512 * MiB, cpus: 2 });
  expect(await resizing({ cpus: 4 })).toEqual(["inside: use 3", "setvcpus d 4 --config"]);
});

it("asks for nothing that it is already, and finishes what was interrupted", async () => {
  expect(await resizing({ memory: 512 * MiB, cpus: 1 })).toEqual([]);
  live = xmlOf({ balloon: 512, requested: 128, given: 64, cpus: 2 });
  expect(await resizing({ memory: 640 * MiB, cpus: 2 })).toEqual([
    "inside: use 1",
    "update-memory-device d --node 0 --requested-size 131072KiB --config",
    "setvcpus d 2 --config",
  ]);
});

it("changes only the definition of one that is off", async () => {
  state = "shut off";
  expect(await resizing({ memory: 640 * MiB, cpus: 2 })).toEqual([
    "update-memory-device d --node 0 --requested-size 131072KiB --config",
    "setvcpus d 2 --config",
  ]);
});

it("is not defined anew when its kernel refuses", async () => {
  await expect(resizing({ cpus: 2 }, 1)).rejects.toThrow("its kernel does not change its CPUs: no");
  expect(asked).toEqual(["setvcpus d 2 --live", "inside: use 1"]);
});

it.each([
  [{ memory: 1026 * MiB }, "its definition lets it grow to 1GiB of memory"],
  [{ cpus: 5 }, "its definition lets it have 4 CPUs"],
])("%j is above what it can become, and nothing is asked", async (change, why) => {
  await expect(resizing(change)).rejects.toThrow(why);
  expect(asked).toEqual([]);
});

it("one without a balloon or a memory device says so", async () => {
  defined = RIGID;
  live = RIGID;
  expect(await size()).toEqual({ memory: 512 * MiB, cpus: 1 });
  await expect(resizing({ memory: 384 * MiB })).rejects.toThrow("no balloon device");
  await expect(resizing({ memory: 640 * MiB })).rejects.toThrow("its definition lets it grow to 512MiB");
  await expect(resizing({ cpus: 2 })).rejects.toThrow("its definition lets it have 1 CPUs");
});

import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import type { Connection } from "../../../drivers/libvirt/connection.js";
import {
  freshDiskXml,
  recreateDisk,
  requireBaseDisk,
  startFromDisk,
  switchOff,
} from "../../../drivers/libvirt/recreate-disk.js";
import { parseXml } from "../../../drivers/libvirt/xml.js";

const disk = { name: "g.qcow2", capacity: 4 * 2 ** 30, image: "0123456789abcdef" };

/** A libvirt daemon with one domain; notes the calls, and the XML that it was given. */
function libvirt(states: (string | undefined)[], there = true) {
  const calls: string[] = [];
  const xml: string[] = [];
  const virsh = async (...args: string[]): Promise<string> => {
    calls.push(args.join(" ").replace(/\/\S+\.xml$/, "FILE"));
    if (args[0] === "vol-create") xml.push(await readFile(args[2] ?? "", "utf8"));
    return "";
  };
  const connection = {
    virsh,
    virshIfThere: async (...args: string[]) => {
      await virsh(...args);
      return there ? "" : undefined;
    },
    removeVolume: (name: string) => virsh("vol-delete", name, "--pool", "trilab"),
    volumeNames: async () => (there ? [`${disk.image}.qcow2`] : []),
    domainState: async () => (states.length > 1 ? states.shift() : states[0]),
  };
  return { calls, xml, connection: connection as unknown as Connection };
}

describe("switching a domain off", () => {
  it("does not ask its system, and waits until QEMU is gone", async () => {
    const { calls, connection } = libvirt(["running", "in shutdown", "shut off"]);
    await switchOff(connection, "g");
    expect(calls).toEqual(["destroy g"]);
  });

  it("does nothing to one that is off", async () => {
    const { calls, connection } = libvirt(["shut off"]);
    await switchOff(connection, "g");
    expect(calls).toEqual([]);
  });
});

it("a domain starts from its disk even if libvirt has its memory", async () => {
  const { calls, connection } = libvirt(["shut off"]);
  await startFromDisk(connection, "g");
  expect(calls).toEqual(["start g --force-boot"]);
});

describe("a disk made anew", () => {
  it("takes the old one's place as an overlay of the image, for QEMU and root only", async () => {
    const { calls, connection, xml } = libvirt(["shut off"]);
    await recreateDisk(connection, disk);
    expect(calls).toEqual(["vol-delete g.qcow2 --pool trilab", "vol-create trilab FILE"]);
    expect(xml).toEqual([freshDiskXml(disk)]);
    const volume = parseXml(xml[0] ?? "");
    expect(volume.find("name")?.text).toBe("g.qcow2");
    expect(volume.find("capacity")?.text).toBe(String(4 * 2 ** 30));
    expect(volume.find("target", "permissions", "mode")?.text).toBe("0600");
    expect(volume.find("backingStore", "path")?.text).toMatch(/trilab-images\/0123456789abcdef\.qcow2$/);
  });

  it("is refused before anything is lost where the image was pruned", async () => {
    const { calls, connection } = libvirt(["running"], false);
    await expect(requireBaseDisk(connection, disk.image)).rejects.toThrow(
      /libvirt does not have the image 0123456789abcdef/,
    );
    expect(calls.filter((call) => call.startsWith("vol-delete"))).toEqual([]);
    await requireBaseDisk(libvirt(["running"]).connection, disk.image);
  });
});

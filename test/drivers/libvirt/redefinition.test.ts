import { expect, it } from "vitest";
import { definitionChanges } from "../../../drivers/libvirt/redefinition.js";

const XML = `<domain type='qemu'>
  <name>m</name>
  <memory unit='KiB'>524288</memory>
  <currentMemory unit='KiB'>524288</currentMemory>
  <vcpu placement='static'>1</vcpu>
  <sysinfo type='smbios'><oemStrings>
      <entry>trilab:hostname=m</entry>
      <entry>trilab:user-key=ssh-ed25519 AAAA a&amp;b</entry>
  </oemStrings></sysinfo>
  <os><cmdline>root=/dev/vda quiet</cmdline></os>
</domain>`;
const wanted = {
  name: "m",
  accelerator: "tcg" as const,
  memory: 512 * 2 ** 20,
  cpus: 1,
  kernelParameters: ["quiet", "root=/dev/vda"],
  oemStrings: ["trilab:user-key=ssh-ed25519 AAAA a&b", "trilab:hostname=m"],
};

it("sees no change in a domain that is defined as wanted, in whatever order", () => {
  expect(definitionChanges(XML, wanted)).toEqual([]);
});

it("names each change in words", () => {
  expect(
    definitionChanges(XML, {
      name: "m",
      accelerator: "kvm",
      memory: 640 * 2 ** 20,
      cpus: 2,
      kernelParameters: ["quiet"],
      oemStrings: ["trilab:hostname=m"],
    }),
  ).toEqual(["memory 512MiB → 640MiB", "CPUs 1 → 2", "tcg → kvm", "kernel parameters", "keys or address"]);
});

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

it("compares with the spec of a domain that was resized, not with its present size", () => {
  const spec = (memory: number, cpus: number): string =>
    XML.replace(
      "<memory",
      `<metadata><trilab:seat xmlns:trilab="urn:trilab:seat:1"><trilab:label key="a">b</trilab:label><trilab:spec memory="${memory * 2 ** 20}" cpus="${cpus}"/></trilab:seat></metadata><memory`,
    )
      .replaceAll(">524288<", ">1048576<")
      .replace(">1</vcpu>", ' current="2">4</vcpu>');
  expect(definitionChanges(spec(512, 1), wanted)).toEqual([]);
  expect(definitionChanges(spec(768, 2), wanted)).toEqual(["memory 768MiB → 512MiB", "CPUs 2 → 1"]);
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

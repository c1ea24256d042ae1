import { expect, it } from "vitest";
import { goldenXml, isOfResume, resumedXml, stringsOf } from "../../../drivers/libvirt/golden-xml.js";
import { parseXml } from "../../../drivers/libvirt/xml.js";

const xml = (name: string, keys = 1): string => `<domain type='qemu'>
  <name>trilab-first-boot-${name}-guest</name>
  <uuid>8a0a1f1e-0000-4000-8000-00000000000${name.length}</uuid>
  <description>trilab: seat ${name} of lab first-boot</description>
  <metadata>
    <trilab:seat xmlns:trilab="urn:trilab:seat:1"><trilab:label key="trilab.seat">${name}</trilab:label></trilab:seat>
  </metadata>
  <memory unit='KiB'>524288</memory>
  <sysinfo type='smbios'>
    <oemStrings>
      <entry>trilab:hostname=trilab-first-boot-${name}-guest</entry>
      ${'<entry>trilab:user-key=ssh-ed25519 AAAA a&amp;b "c"</entry>'.repeat(keys)}
    </oemStrings>
  </sysinfo>
  <sysinfo type='fwcfg'>
    <entry name='opt/trilab/host-key' file='/pool/${name}.host-key'/>
  </sysinfo>
  <devices>
    <disk type='file' device='disk'>
      <source file='/pool/${name}.qcow2'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <interface type='network'>
      <mac address='52:54:00:00:00:0${name.length}'/>
      <source network='trilab-first-boot-${name}-guest'/>
    </interface>
    <serial type='pty'>
      <log file='/pool/${name}.console.log' append='on'/>
    </serial>
    <console type='pty'>
      <log file='/pool/${name}.console.log' append='on'/>
    </console>
  </devices>
</domain>
`;
const golden = { key: "0123", uuid: "1" };
const length = (text: string): number =>
  stringsOf(parseXml(text)).reduce((sum, each) => sum + Buffer.byteLength(each) + 1, 0);

it("a golden guest has nothing of the guest that it is made from, but its network", () => {
  const text = goldenXml(xml("ann"), golden);
  expect(text.replace(/<source network=.*/, "")).not.toMatch(/ann|AAAA|52:54:00/);
  const domain = parseXml(text);
  expect(stringsOf(domain)[0]).toBe("trilab:golden=0123");
  expect(domain.find("name")?.text).toBe("golden-0123");
  expect(text.match(/file="[^"]*\/golden-0123\.(qcow2|host-key|console\.log)"/g)?.length).toBe(4);
});

it("is the same for guests that differ only in their identity", () => {
  const without = (name: string): string =>
    goldenXml(xml(name), golden).replace(/<source network=[^>]*>/, "");
  expect(without("ann")).toBe(without("a-longer-name"));
});

it("gives the copies strings of its own length, whatever their names and keys", () => {
  for (const keys of [1, 40, 41, 80]) {
    const definition = xml("ann", keys);
    const resumed = resumedXml(definition);
    expect(length(resumed)).toBe(length(goldenXml(definition, golden)));
    expect(length(resumed) % 4096).toBe(0);
  }
});

it("marks a copy, gives it its own address, and changes nothing else", () => {
  const domain = parseXml(resumedXml(xml("ann")));
  const labels = domain.find("metadata", "seat")?.all("label") ?? [];
  expect(labels.map(({ attributes, text }) => [attributes.key, text])).toEqual([
    ["trilab.seat", "ann"],
    ["trilab.resumed", "true"],
  ]);
  const strings = stringsOf(domain);
  expect(strings).toContain("trilab:mac=52:54:00:00:00:03");
  expect(strings.filter((text) => !isOfResume(text))).toEqual(stringsOf(parseXml(xml("ann"))));
  const rest = (text: string): string =>
    text
      .replace(/<oemStrings>[\s\S]*<\/oemStrings>/, "")
      .replace(/<trilab:label key="trilab.resumed">true<\/trilab:label>/, "");
  expect(rest(resumedXml(xml("ann")))).toBe(rest(xml("ann")));
});

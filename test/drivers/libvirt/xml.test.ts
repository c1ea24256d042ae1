import { expect, it } from "vitest";
import { jumpCommand } from "../../../drivers/libvirt/ssh-options.js";
import { parseXml } from "../../../drivers/libvirt/xml.js";

it("reads attributes, texts and children of libvirt's XML, whatever the namespace's prefix", () => {
  const domain = parseXml(`<?xml version="1.0"?>
<domain type='kvm' id='3'>
  <name>a &amp; b</name>
  <metadata><t:seat xmlns:t="urn:trilab:seat:1"><t:label key="trilab.lab">l</t:label></t:seat></metadata>
  <devices>
    <disk type='file'><source file='/a.qcow2'/></disk>
    <disk type='file'><source file='/b.iso'/></disk>
    <memballoon model='none'/>
  </devices>
</domain>`);
  expect(domain.attributes).toMatchObject({ type: "kvm", id: "3" });
  expect(domain.find("name")?.text).toBe("a & b");
  expect(domain.find("metadata", "seat", "label")?.attributes.key).toBe("trilab.lab");
  expect(domain.find("devices", "disk", "source")?.attributes.file).toBe("/a.qcow2");
  expect(domain.find("devices")?.all("disk")).toHaveLength(2);
  expect(domain.find("devices", "memballoon")?.attributes.model).toBe("none");
  expect(domain.find("devices", "video", "model")).toBeUndefined();
});

it.each([
  ["qemu:///system", undefined],
  ["qemu+tcp://h/system", undefined],
  ["qemu+ssh://lab1/system", "ssh -o BatchMode=yes -W [%h]:%p -- lab1"],
  ["qemu+ssh://ann@lab1:2222/system", "ssh -p 2222 -o BatchMode=yes -W [%h]:%p -- ann@lab1"],
  ["qemu+ssh://root@[2001:db8::5]/system", "ssh -o BatchMode=yes -W [%h]:%p -- root@2001:db8::5"],
  [
    "qemu+ssh://lab1/system?keyfile=/my%20key&known_hosts=/k",
    "ssh -i '/my key' -o 'UserKnownHostsFile=\"/k\"' -o BatchMode=yes -W [%h]:%p -- lab1",
  ],
])("a guest at %s is reached by way of %s", (uri, command) => {
  expect(jumpCommand(uri)).toBe(command);
});

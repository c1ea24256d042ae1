import { expect, it } from "vitest";
import { cloneVolumes, cloneXml } from "../../../drivers/libvirt/clone-xml.js";

const original = `<domain><name>web</name><uuid>1</uuid><os><kernel>/images/a.vmlinux</kernel><initrd>/images/a.initrd</initrd></os>
<devices><disk type='file'><source file='/disks/web.qcow2'/></disk></devices></domain>`;
const id = {
  name: "web-clone1",
  uuid: "ab12",
  address: "10.213.0.3",
  disk: "/disks/web-clone1.qcow2",
  index: 1,
};

it("a clone boots the kernel of its original, and a moved machine the one that came with it", () => {
  const clone = cloneXml(original, id);
  expect(clone).toContain("<kernel>/images/a.vmlinux</kernel><initrd>/images/a.initrd</initrd>");
  expect(clone).toContain('<source file="/disks/web-clone1.qcow2"/>');
  const moved = cloneXml(original, { ...id, kernel: "/disks/k", initrd: "/disks/i" });
  expect(moved).toContain("<kernel>/disks/k</kernel><initrd>/disks/i</initrd>");
});

it("a clone's volumes have its name", () => {
  expect(cloneVolumes("web-clone1")).toEqual({
    disk: "web-clone1.qcow2",
    kernel: "web-clone1.kernel",
    initrd: "web-clone1.initrd",
  });
});

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterAll, beforeAll, expect, it } from "vitest";
import { diskXslt, domainXslt, networkXslt, secretXslt } from "../../components/helpers/domain-xslt.js";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "trilab-xslt-"));
});
afterAll(() => rm(dir, { recursive: true }));

async function transform(xslt: string, xml: string): Promise<string> {
  await writeFile(join(dir, "s.xsl"), xslt);
  await writeFile(join(dir, "in.xml"), xml);
  return (await execa("xsltproc", [join(dir, "s.xsl"), join(dir, "in.xml")])).stdout;
}

const DOMAIN = `<domain type="qemu"><name>n</name><os><type>hvm</type></os><features><pae/><acpi/><apic/></features>
<devices><disk type="file" device="disk"><driver name="qemu" type="raw"/><source file="/d"/></disk>
<interface type="network"><source network="n"/></interface><console type="pty"><target type="serial" port="0"/></console>
<channel type="unix"/><graphics type="spice"/><video/><input type="tablet"/><rng model="virtio"/></devices></domain>`;

const args = {
  oemStrings: ["trilab:hostname=a", 'trilab:motd=<&">'],
  ownership: { owner: "o'brien@h", lab: "l", seat: "s", created: "c", expires: "never" },
  target: "guest" as const,
  diskFile: "/pool/x.qcow2",
  consoleLog: "/pool/x.log",
  accelerator: "tcg" as const,
};

it("puts a seed beside the disk, read-only and over virtio, and a quota for each CPU", async () => {
  const two = DOMAIN.replace(
    "<interface",
    '<disk type="volume" device="disk"><source pool="p" volume="v"/></disk><interface',
  );
  const out = await transform(
    domainXslt({ ...args, target: "vps", seedFile: "/pool/x.seed.iso", cpuShare: 0.05 }),
    two,
  );
  const disks = out.match(/<disk [\s\S]*?<\/disk>/g) ?? [];
  expect(disks.map((d) => d.replace(/>\s+</g, "><"))).toEqual([
    '<disk type="file" device="disk"><driver name="qemu" type="qcow2" discard="unmap"/><source file="/pool/x.qcow2"/><target dev="vda" bus="virtio"/></disk>',
    '<disk type="file" device="disk"><driver name="qemu" type="raw"/><source file="/pool/x.seed.iso"/><target dev="vdb" bus="virtio"/><readonly/></disk>',
  ]);
  expect(out.replace(/>\s+</g, "><")).toContain(
    "<cputune><period>100000</period><quota>5000</quota></cputune>",
  );
  expect(out).toContain('key="trilab.target">vps<');
  expect(await transform(domainXslt(args), DOMAIN)).not.toContain("cputune");
});

it("adds identity, labels and console log, and takes the needless devices out", async () => {
  const out = await transform(domainXslt(args), DOMAIN);
  expect(out).toContain(
    '<sysinfo type="smbios"><oemStrings><entry>trilab:hostname=a</entry><entry>trilab:motd=&lt;&amp;"&gt;</entry>',
  );
  expect(out).toContain('<smbios mode="sysinfo"/>');
  expect(out).toContain('key="trilab.owner">o\'brien@h<');
  expect(out).toContain('<log file="/pool/x.log" append="on"/>');
  expect(out).toContain('<tb-cache unit="MiB">128</tb-cache>');
  expect(out).toContain('<port isolated="yes"/>');
  expect(out).toMatch(
    /<disk type="file" device="disk">\s*<driver name="qemu" type="qcow2" discard="unmap"\/>\s*<source file="\/pool\/x.qcow2"\/>/,
  );
  expect(out).toMatch(/<memballoon model="none"\/>/);
  for (const gone of ["<video", "<graphics", "<channel", "<input", "<pae"]) expect(out).not.toContain(gone);
  expect(out).toContain('<rng model="virtio"/>');
});

it("lets a guest grow to its ceiling, and keeps its spec apart", async () => {
  const MiB = 2 ** 20;
  const written =
    '<memory unit="MiB">1024</memory><currentMemory unit="MiB">1024</currentMemory><vcpu>2</vcpu>';
  const input = DOMAIN.replace("<os>", `${written}<cpu mode="host-passthrough"/><os>`);
  const growing = async (memory: number, cpus: number) => {
    const growth = { spec: { memory: 512 * MiB, cpus: 1 }, ceiling: { memory: memory * MiB, cpus } };
    return (await transform(domainXslt({ ...args, growth }), input)).replace(/>\s+</g, "><");
  };
  const out = await growing(1024, 2);
  expect(out).toContain('<trilab:spec memory="536870912" cpus="1"/>');
  expect(out).toContain('<vcpu current="1">2</vcpu>');
  expect(out).toContain(
    '<maxMemory slots="1" unit="KiB">1048576</maxMemory><memory unit="KiB">1048576</memory><currentMemory unit="KiB">524288</currentMemory>',
  );
  expect(out).toContain(
    '<cpu mode="host-passthrough"><numa><cell id="0" cpus="0-1" memory="524288" unit="KiB"/></numa></cpu>',
  );
  expect(out).toContain(
    '<memory model="virtio-mem"><target><size unit="KiB">524288</size><node>0</node><block unit="KiB">2048</block><requested unit="KiB">0</requested></target></memory>',
  );
  expect(out).toContain('<memballoon model="virtio" freePageReporting="on"/>');
  for (const once of ["<vcpu", "<currentMemory", "<cpu ", "<memballoon", "<maxMemory"])
    expect(out.split(once)).toHaveLength(2);
  // A ceiling that is its memory's needs no device, and no NUMA node for it.
  const rigid = await growing(512, 2);
  expect(rigid).toContain('<vcpu current="1">2</vcpu>');
  expect(rigid).toContain('<memory unit="MiB">1024</memory>');
  expect(rigid).not.toMatch(/virtio-mem|numa|maxMemory/);
});

it("turns spanning tree off and keeps the bridge's name", async () => {
  const out = await transform(
    networkXslt(),
    '<network><name>n</name><bridge name="tl0" stp="on"/></network>',
  );
  expect(out).toContain('<bridge name="tl0" stp="off" delay="0"/>');
});

it("closes a file with a key in it to other users, and passes a host key on by its path", async () => {
  const volume = `<volume><name>n</name><target><format type="raw"/><permissions><mode>644</mode></permissions></target></volume>`;
  expect((await transform(secretXslt(), volume)).replace(/>\s+</g, "><")).toContain(
    '<target><format type="raw"/><permissions><mode>0600</mode></permissions></target>',
  );
  const out = await transform(domainXslt({ ...args, hostKeyFile: "/pool/x.host-key" }), DOMAIN);
  expect(out).toContain(
    '<sysinfo type="fwcfg"><entry name="opt/trilab/host-key" file="/pool/x.host-key"/></sysinfo>',
  );
  expect(await transform(domainXslt(args), DOMAIN)).not.toContain("fwcfg");
});

it("closes a disk to other users, in the format that gives space back, and keeps the rest", async () => {
  const volume = `<volume><name>n</name><target><format type="qcow2"/><permissions><mode>644</mode></permissions></target>
<backingStore><path>/base</path><format type="qcow2"/></backingStore></volume>`;
  const out = (await transform(diskXslt(), volume)).replace(/>\s+</g, "><");
  expect(out).toContain(
    '<target><format type="qcow2"/><permissions><mode>0600</mode></permissions><compat>1.1</compat></target>',
  );
  expect(out).toContain("<path>/base</path>");
});

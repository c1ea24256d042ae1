import { escapeXml } from "../../base/escape-xml.js";
import { HOST_KEY_ENTRY } from "../../model/guest-contract.js";
import { MEMORY_BLOCK, memoryDevice } from "../../model/hot-plug.js";
import { METADATA_NAMESPACE, type Ownership, ownershipLabels } from "../../model/labels.js";
import type { MachineSize } from "../../model/machine-size.js";
import type { DomainTarget } from "../../model/naming.js";

/*
 * XSLT adds to the XML what the libvirt provider's schema can't express. The provider does not read back attributes added
 * this way, so it sees a change only when the stylesheet changes.
 */

const stylesheet = (templates: string): string => `<?xml version="1.0"?>
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
  <xsl:output omit-xml-declaration="yes" indent="yes"/>
  <xsl:template match="node()|@*"><xsl:copy><xsl:apply-templates select="node()|@*"/></xsl:copy></xsl:template>
${templates}
</xsl:stylesheet>
`;

/** Disables the spanning tree on a bridge with one port: its forward delay alone is two seconds. */
export const networkXslt = (): string =>
  stylesheet(`  <xsl:template match="/network/bridge">
    <xsl:copy><xsl:apply-templates select="@*"/>
      <xsl:attribute name="stp">off</xsl:attribute><xsl:attribute name="delay">0</xsl:attribute></xsl:copy>
  </xsl:template>`);

/**
 * Makes a disk readable only for QEMU and root, because a machine's keys are on it. Uses qcow2's newer format, in which an
 * overlay frees what the guest discards.
 */
export const diskXslt = (): string =>
  stylesheet(`  <xsl:template match="/volume/target">
    <xsl:copy><xsl:apply-templates select="@*|node()[not(self::permissions or self::compat)]"/>
      <permissions><mode>0600</mode></permissions><compat>1.1</compat></xsl:copy>
  </xsl:template>`);

/** Makes a file with a key readable only for QEMU and root. */
export const secretXslt = (): string =>
  stylesheet(`  <xsl:template match="/volume/target">
    <xsl:copy><xsl:apply-templates select="@*|node()[not(self::permissions)]"/>
      <permissions><mode>0600</mode></permissions></xsl:copy>
  </xsl:template>`);

export interface DomainXsltArgs {
  /** SMBIOS type 11 strings: the guest's identity. */
  oemStrings: readonly string[];
  ownership: Ownership;
  /** The machine's target. */
  target: DomainTarget;
  /** Path on the libvirt host of the overlay disk. */
  diskFile: string;
  /** Path on the libvirt host of a cloud-init seed, the second disk. Absent: there is none. */
  seedFile?: string | undefined;
  /** Path on the libvirt host of the SSH host key, passed on by QEMU's fw_cfg device. Absent: none. */
  hostKeyFile?: string | undefined;
  /** The share of each virtual CPU that it may use: 0.1 is a tenth. Absent: all of it. */
  cpuShare?: number | undefined;
  /** Path on the libvirt host of the serial console's log. */
  consoleLog: string;
  accelerator: "kvm" | "tcg";
  /** The size at its first boot, and how large it can become while it runs. Absent: its size is fixed. */
  growth?: { spec: MachineSize; ceiling: MachineSize } | undefined;
}

/** The period of a CPU quota in microseconds: the kernel's default. */
const QUOTA_PERIOD = 100_000;

/**
 * Adds identity, ownership labels and console log; removes devices that a server does not need (USB, video). A guest with
 * a ceiling gets what it grows and shrinks by; others have no balloon either.
 */
export function domainXslt(args: DomainXsltArgs): string {
  const strings = args.oemStrings.map((s) => `<entry>${escapeXml(s)}</entry>`).join("");
  const labels = Object.entries(ownershipLabels(args.ownership, args.target))
    .map(([key, value]) => `<trilab:label key="${escapeXml(key)}">${escapeXml(value)}</trilab:label>`)
    .join("");
  // QEMU's default translation cache takes a gigabyte of the host's memory per guest.
  const tcg = args.accelerator === "tcg" ? '<tcg><tb-cache unit="MiB">128</tb-cache></tcg>' : "";
  // Libvirt applies the quota to each virtual CPU, as EC2 does with its baseline.
  const quota =
    args.cpuShare === undefined
      ? ""
      : `<cputune><period>${QUOTA_PERIOD}</period><quota>${Math.round(args.cpuShare * QUOTA_PERIOD)}</quota></cputune>`;
  const hostKey =
    args.hostKeyFile === undefined
      ? ""
      : `<sysinfo type="fwcfg"><entry name="${HOST_KEY_ENTRY}" file="${escapeXml(args.hostKeyFile)}"/></sysinfo>`;
  // The cloud kernel has no driver for the CD-ROM drive that libvirt would give a seed.
  const seed =
    args.seedFile === undefined
      ? ""
      : `
  <xsl:template match="/domain/devices/disk[2]">
    <disk type="file" device="disk"><driver name="qemu" type="raw"/>
      <source file="${escapeXml(args.seedFile)}"/><target dev="vdb" bus="virtio"/><readonly/></disk>
  </xsl:template>`;
  const growth = args.growth && growthParts(args.growth);
  return stylesheet(`  <xsl:template match="/domain">
    <xsl:copy><xsl:apply-templates select="@*"/>
      <metadata><trilab:seat xmlns:trilab="${METADATA_NAMESPACE}">${labels}${growth?.metadata ?? ""}</trilab:seat></metadata>
      ${quota}<sysinfo type="smbios"><oemStrings>${strings}</oemStrings></sysinfo>${hostKey}${growth?.domain ?? ""}
      <xsl:apply-templates select="node()[not(self::metadata or self::sysinfo${growth?.dropped ?? ""})]"/></xsl:copy>
  </xsl:template>
  <xsl:template match="/domain/os">
    <xsl:copy><xsl:apply-templates select="@*|node()[not(self::smbios)]"/><smbios mode="sysinfo"/></xsl:copy>
  </xsl:template>
  <xsl:template match="/domain/features"><features><acpi/><apic/>${tcg}</features></xsl:template>
  <xsl:template match="/domain/devices">
    <xsl:copy><xsl:apply-templates select="node()[not(self::video or self::graphics or self::memballoon or self::channel or self::controller[@type='usb'] or self::input)]"/>
      <controller type="usb" model="none"/>${growth?.devices ?? '<memballoon model="none"/>'}</xsl:copy>
  </xsl:template>
  <xsl:template match="/domain/devices/interface">
    <xsl:copy><xsl:apply-templates select="@*|node()[not(self::port)]"/><port isolated="yes"/></xsl:copy>
  </xsl:template>
  <xsl:template match="/domain/devices/disk[1]">
    <disk type="file" device="disk"><driver name="qemu" type="qcow2" discard="unmap"/>
      <source file="${escapeXml(args.diskFile)}"/><target dev="vda" bus="virtio"/></disk>
  </xsl:template>${seed}
  <xsl:template match="/domain/devices/console">
    <serial type="pty"><log file="${escapeXml(args.consoleLog)}" append="on"/><target port="0"/></serial>
    <console type="pty"><target type="serial" port="0"/></console>
  </xsl:template>`);
}

/**
 * What a guest grows and shrinks by, see model/hot-plug.ts. libvirt wants a NUMA node for a memory device. The metadata
 * keep the spec, because the rest changes with the guest's size.
 */
function growthParts({ spec, ceiling }: NonNullable<DomainXsltArgs["growth"]>) {
  const device = memoryDevice(spec, ceiling);
  const size = (name: string, bytes: number, attributes = ""): string =>
    `<${name}${attributes} unit="KiB">${bytes / 1024}</${name}>`;
  const cpus = `<vcpu current="${spec.cpus}">${ceiling.cpus}</vcpu>`;
  const balloon = '<memballoon model="virtio" freePageReporting="on"/>';
  const metadata = `<trilab:spec memory="${spec.memory}" cpus="${spec.cpus}"/>`;
  if (device === 0) return { metadata, domain: cpus, dropped: " or self::vcpu", devices: balloon };
  const total = spec.memory + device;
  const last = ceiling.cpus - 1;
  return {
    metadata,
    domain: [
      cpus,
      size("maxMemory", total, ' slots="1"'),
      size("memory", total),
      size("currentMemory", spec.memory),
      `<cpu><xsl:apply-templates select="cpu/@*|cpu/node()"/><numa><cell id="0" cpus="${last > 0 ? `0-${last}` : 0}" memory="${spec.memory / 1024}" unit="KiB"/></numa></cpu>`,
    ].join(""),
    dropped: " or self::vcpu or self::memory or self::currentMemory or self::cpu",
    devices: `<memory model="virtio-mem"><target>${[
      size("size", device),
      "<node>0</node>",
      size("block", MEMORY_BLOCK),
      size("requested", 0),
    ].join("")}</target></memory>${balloon}`,
  };
}

/** What a clone must have of its own. */
export interface CloneIdentity {
  name: string;
  uuid: string;
  /** IPv4. */
  address: string;
  /** Path of its disk on the libvirt host. */
  disk: string;
  /** Paths of its kernel and initrd. Absent: those of the original. */
  kernel?: string;
  initrd?: string;
  /** From 1; goes into the MAC address. */
  index: number;
}

/** The volumes that a clone may have in the seats' pool. Pure. */
export const cloneVolumes = (name: string): Record<"disk" | "kernel" | "initrd", string> => ({
  disk: `${name}.qcow2`,
  kernel: `${name}.kernel`,
  initrd: `${name}.initrd`,
});

/** An address of the guest's own subnet (a /28: the host has .1, the guest .2, clones follow). Pure. */
export function cloneAddress(address: string, index: number): string {
  const parts = address.split(".");
  return [...parts.slice(0, 3), Number(parts[3]) + index].join(".");
}

/** Turns a domain's inactive XML into that of another one with the same hardware, and without the seat's metadata. Pure. */
export const copyXml = (
  xml: string,
  { disk, mac, name, uuid }: Pick<CloneIdentity, "name" | "uuid" | "disk"> & { mac: string },
): string =>
  xml
    .replace(/<name>[^<]*<\/name>/, `<name>${name}</name>`)
    .replace(/<uuid>[^<]*<\/uuid>/, `<uuid>${uuid}</uuid>`)
    .replace(/<metadata>[\s\S]*?<\/metadata>/, "")
    .replace(/(<disk[\s\S]*?<source file=)(['"])[^'"]*\2[^>]*\/>/, `$1"${disk}"/>`)
    .replace(/<mac address=['"][^'"]*['"]\/>/, `<mac address="${mac}"/>`);

/** Turns a domain's inactive XML (`dumpxml --inactive`) into that of its clone. Pure. */
export function cloneXml(xml: string, id: CloneIdentity): string {
  const mac = `52:54:01:${id.uuid.slice(0, 2)}:${id.uuid.slice(2, 4)}:${id.index.toString(16).padStart(2, "0")}`;
  return (
    copyXml(xml, { ...id, mac })
      .replace(/(<kernel>)[^<]*/, (all, tag) => (id.kernel ? `${tag}${id.kernel}` : all))
      .replace(/(<initrd>)[^<]*/, (all, tag) => (id.initrd ? `${tag}${id.initrd}` : all))
      .replace(/<log file=[^>]*\/>/g, "")
      .replace(/trilab:hostname=[^<]*/, `trilab:hostname=${id.name.slice(-63)}`)
      // It is removed after the measurement; the seat's original expiry may have passed.
      .replace(/trilab:expires=\w+/, "trilab:expires=never")
      .replace(/trilab:address=[\d.]+/, `trilab:address=${id.address}`)
  );
}

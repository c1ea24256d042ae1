/** What a clone must not share with the guest it is made from. */
export interface CloneIdentity {
  name: string;
  uuid: string;
  /** IPv4. */
  address: string;
  /** Path of its disk on the libvirt host. */
  disk: string;
  /** From 1; goes into the MAC address. */
  index: number;
}

/** An address of the guest's own subnet (a /28: the host has .1, the guest .2, clones follow). Pure. */
export function cloneAddress(address: string, index: number): string {
  const parts = address.split(".");
  return [...parts.slice(0, 3), Number(parts[3]) + index].join(".");
}

/** The inactive XML of a domain (`dumpxml --inactive`) as that of another one beside it. Pure. */
export function cloneXml(xml: string, id: CloneIdentity): string {
  const mac = `52:54:01:${id.uuid.slice(0, 2)}:${id.uuid.slice(2, 4)}:${id.index.toString(16).padStart(2, "0")}`;
  return (
    xml
      .replace(/<name>[^<]*<\/name>/, `<name>${id.name}</name>`)
      .replace(/<uuid>[^<]*<\/uuid>/, `<uuid>${id.uuid}</uuid>`)
      .replace(/<metadata>[\s\S]*?<\/metadata>/, "")
      .replace(/(<disk[\s\S]*?<source file=)(['"])[^'"]*\2[^>]*\/>/, `$1"${id.disk}"/>`)
      .replace(/<mac address=['"][^'"]*['"]\/>/, `<mac address="${mac}"/>`)
      .replace(/<log file=[^>]*\/>/g, "")
      .replace(/trilab:hostname=[^<]*/, `trilab:hostname=${id.name.slice(-63)}`)
      // It goes with the measurement; the seat's first expiry may long have been moved.
      .replace(/trilab:expires=\w+/, "trilab:expires=never")
      .replace(/trilab:address=[\d.]+/, `trilab:address=${id.address}`)
  );
}

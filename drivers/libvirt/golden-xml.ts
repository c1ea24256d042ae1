import { escapeXml } from "../../base/escape-xml.js";
import { goldenDomain, goldenVolumes, RESUMED_LABEL } from "../../model/golden.js";
import { HOST_KEY_ENTRY } from "../../model/guest-contract.js";
import { copyXml } from "./clone-xml.js";
import { DISK_POOL } from "./pools.js";
import { type Element, parseXml } from "./xml.js";

/** The SMBIOS strings of golden guests and of their copies have multiples of this length in bytes: see {@link padded}. */
const PADDING = 4096;

/**
 * The bytes of space for a copy's XML in a golden guest's: libvirt's block with the XML has a fixed length, and names and metadata
 * differ in length.
 */
const SPACE = 16 * 1024;

/** Of a golden guest, whose network card is never up. */
const MAC = "52:54:01:00:00:01";

/** What turns a guest's definition into that of its golden guest. */
export interface GoldenIdentity {
  key: string;
  uuid: string;
}

/**
 * Turns a guest's inactive XML (`dumpxml --inactive --security-info`) into its golden guest's: the same machine, without
 * the identity. Pure.
 */
export function goldenXml(xml: string, { key, uuid }: GoldenIdentity): string {
  const [name, volumes] = [goldenDomain(key), goldenVolumes(key)];
  const path = (volume: string): string => `${DISK_POOL.path}/${volume}`;
  return withStrings(
    replaceHostKey(copyXml(xml, { name, uuid, disk: path(volumes.disk), mac: MAC }), path(volumes.hostKey))
      .replace(/<description>[^<]*<\/description>/, "")
      .replace(/(?=<memory\b)/, `<description>${"-".repeat(SPACE)}</description>`)
      .replaceAll(/<log file=(['"])[^'"]*\1/g, `<log file="${path(volumes.consoleLog)}"`),
    padded([`trilab:golden=${key}`], stringsLength(stringsOf(parseXml(xml)))),
  );
}

/** What a resumed guest's XML has besides its own: it is marked, and learns its MAC address, which is in the memory of the saved one. Pure. */
export function resumedXml(xml: string): string {
  const domain = parseXml(xml);
  const strings = stringsOf(domain);
  const mac = domain.find("devices", "interface", "mac")?.attributes.address;
  return withStrings(
    xml.replace(/<\/([\w-]+):seat>/, `<$1:label key="${RESUMED_LABEL}">true</$1:label>$&`),
    padded([...strings, `trilab:mac=${mac}`], stringsLength(strings)),
  );
}

/** The strings that {@link resumedXml} has added are no part of a definition. Pure. */
export const isOfResume = (text: string): boolean => /^trilab:(mac|pad)=/.test(text);

/** The SMBIOS strings of a domain. */
export const stringsOf = (domain: Element): string[] =>
  domain
    .all("sysinfo")
    .flatMap((info) => info.find("oemStrings")?.all("entry") ?? [])
    .map(({ text }) => text);

/** The length to which the strings of a guest are padded, from those that it has. */
const stringsLength = (strings: readonly string[]): number =>
  Math.ceil((bytes(strings) + 256) / PADDING) * PADDING;

/**
 * Adds a string, so that all have this length together: a golden guest's kernel knows the length of its own table, and reads no more
 * of its copy's.
 */
const padded = (strings: readonly string[], length: number): string[] => {
  const pad = "trilab:pad=";
  return [...strings, pad.padEnd(length - bytes(strings) - 1, "-")];
};

const bytes = (strings: readonly string[]): number =>
  strings.reduce((sum, text) => sum + Buffer.byteLength(text) + 1, 0);

const withStrings = (xml: string, strings: readonly string[]): string =>
  xml.replace(
    /<oemStrings>[\s\S]*?<\/oemStrings>/,
    () => `<oemStrings>${strings.map((text) => `<entry>${escapeXml(text)}</entry>`).join("")}</oemStrings>`,
  );

const replaceHostKey = (xml: string, file: string): string =>
  xml.replace(/<entry\b[^>]*>/g, (tag) =>
    tag.includes(HOST_KEY_ENTRY) ? tag.replace(/ file=(['"])[^'"]*\1/, ` file="${file}"`) : tag,
  );

import { escapeXml } from "../base/escape-xml.js";
import { localTime } from "../base/local-time.js";
import { expiryInForce } from "../seats/lifetime.js";
import { type SeatRecord, targetsOf } from "../seats/seat-record.js";
import type { Member } from "./class-record.js";

/** Where learners come in: `trilab class serve`. */
export interface EntryAddress {
  host: string;
  port: number;
  /** The public host key that it shows; empty: not known yet. */
  hostKey: string;
}

/** The name of the private key in a learner's folder. */
export const KEY = "id_ed25519";

/** How a learner gets in, as Markdown. Pure. */
export function cardText(
  { name, publicKey, seat }: Member,
  record: SeatRecord,
  { host, port }: EntryAddress,
): string {
  const expires = expiryInForce(record);
  const own = publicKey !== undefined;
  const options = `${own ? "" : `-i ${KEY} `}-o UserKnownHostsFile=known_hosts`;
  const targets = targetsOf(record);
  const ways = targets.map((target) => `    ssh ${options} -p ${port} ${seat}.${target}@${host}\n`);
  return `# ${plainText(name) || seat}: lab ${record.lab}

Your ${targets.length > 1 ? "machines are" : "machine is"} ready. Open a terminal in the folder with this card, and type:

${ways.join("")}
To copy a file into your home folder there:

    scp ${options} -P ${port} FILE ${seat}.${targets[0]}@${host}:

${
  own
    ? "You log in with your own SSH key, the one that your instructor has from you."
    : `The file \`${KEY}\` is your key. Keep it to yourself: anyone who has it can log in as you. If ssh says that it is open to others: \`chmod 600 ${KEY}\`.`
}

${
  expires === "never"
    ? `Your ${targets.length > 1 ? "machines have" : "machine has"} no time limit.`
    : `Your ${targets.length > 1 ? "machines stop" : "machine stops"} at ${localTime(expires)}, and may be removed after that, with what is in ${targets.length > 1 ? "them" : "it"}.`
}
`;
}

/** The card as a page to print, with the address of the first machine as a QR code, for SSH apps of phones and tablets. */
export async function cardPage(
  text: string,
  { seat }: Member,
  record: SeatRecord,
  { host, port }: EntryAddress,
): Promise<string> {
  const [{ marked }, { renderSVG }] = await Promise.all([import("marked"), import("uqr")]);
  const address = `ssh://${seat}.${targetsOf(record)[0]}@${host}:${port}`;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeXml(seat)}</title>
<style>
  body { font: 13pt/1.5 sans-serif; max-width: 46em; margin: 2em auto; padding: 0 1em; color: #111; background: #fff; }
  pre { background: #f2f2f2; padding: 0.8em; font-size: 11pt; white-space: pre-wrap; overflow-wrap: anywhere; }
  figure { margin: 2em 0; }
  figure svg { width: 9em; height: 9em; display: block; }
  @media print { body { margin: 0; max-width: none; } pre { border: 1px solid #999; } }
  @page { margin: 2cm; }
</style>
${await marked.parse(text)}
<figure>${renderSVG(address, { border: 1 })}<figcaption>${escapeXml(address)}</figcaption></figure>
</html>
`;
}

/** A text from a roster without a meaning in Markdown. */
const plainText = (text: string): string => text.replace(/[\\`*_[\]()!<>#&~|:]/g, "\\$&");

import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ExitCode, UserError } from "../base/errors.js";
import { kindOfPath } from "../base/files.js";
import { sideBySide } from "../base/side-by-side.js";
import { seatKeys } from "../seats/seat-keys.js";
import { cardPage, cardText, type EntryAddress, KEY } from "./card.js";
import type { ClassRecord } from "./class-record.js";
import { seatsOf } from "./class-seats.js";
import type { MemberEnd } from "./each-seat.js";

/**
 * Writes a folder for each learner with a seat: how to get in, as Markdown for a mail and as a page to print, and the seat's private
 * key, unless the learner has a key of their own.
 *
 * @returns how each card ended: with the learner's folder, or why there is none.
 * @throws UserError (exit 2) when the folder exists: keys are handed out once.
 */
export async function writeCards(
  record: ClassRecord,
  folder: string,
  entry: EntryAddress,
): Promise<MemberEnd<string>[]> {
  if ((await kindOfPath(folder)) !== undefined) {
    throw new UserError(`${folder} exists already`, {
      why: "cards hold private keys, and are written only into a new folder",
      fix: "give another folder, or remove this one",
      exitCode: ExitCode.usage,
    });
  }
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const seats = await seatsOf(record);
  const ends = await sideBySide(
    seats,
    async (found) => {
      if ("error" in found) throw found.error;
      const { member, record: seat } = found;
      const dir = join(folder, member.seat);
      await mkdir(dir, { mode: 0o700 });
      if (member.publicKey === undefined) await copyFile((await seatKeys(seat)).identityFile, join(dir, KEY));
      const text = cardText(member, seat, entry);
      const files = {
        known_hosts: knownHosts(entry),
        "card.md": text,
        "card.html": await cardPage(text, member, seat, entry),
      };
      for (const [name, content] of Object.entries(files))
        await writeFile(join(dir, name), content, { mode: 0o600 });
      return dir;
    },
    { workers: WORKERS },
  );
  return seats.map(({ member }, i) => ({ member, end: ends[i] ?? { state: "no seat" } }));
}

/** How many cards are written at once. */
const WORKERS = 16;

const knownHosts = ({ host, hostKey, port }: EntryAddress): string =>
  hostKey === ""
    ? ""
    : `${port === 22 ? host : `[${host}]:${port}`} ${hostKey.split(" ").slice(0, 2).join(" ")}\n`;

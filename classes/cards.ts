import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ExitCode, UserError } from "../base/errors.js";
import { kindOfPath } from "../base/files.js";
import { localTime } from "../base/local-time.js";
import { expiryInForce } from "../seats/lifetime.js";
import { type SeatRecord, seatKeys, targetsOf } from "../seats/seat-record.js";
import type { ClassRecord, Member } from "./class-record.js";
import { seatsOf } from "./plan-class.js";

/** Where learners come in: `trilab class serve`. */
export interface EntryAddress {
  host: string;
  port: number;
  /** The public host key that it shows; empty: not known yet. */
  hostKey: string;
}

/**
 * Writes a folder for each learner with a seat: how to get in, as Markdown, and the private key, which only its owner may read.
 *
 * @returns the learners' folders.
 * @throws UserError (exit 2) when the folder exists: keys are handed out once.
 */
export async function writeCards(
  record: ClassRecord,
  folder: string,
  entry: EntryAddress,
): Promise<string[]> {
  if ((await kindOfPath(folder)) !== undefined) {
    throw new UserError(`${folder} exists already`, {
      why: "cards hold private keys, and are written only into a new folder",
      fix: "give another folder, or remove this one",
      exitCode: ExitCode.usage,
    });
  }
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return Promise.all(
    (await seatsOf(record)).map(async ({ member, record: seat }) => {
      const dir = join(folder, member.seat);
      await mkdir(dir, { mode: 0o700 });
      await copyFile((await seatKeys(seat)).identityFile, join(dir, KEY));
      await writeFile(join(dir, "known_hosts"), knownHosts(entry), { mode: 0o600 });
      await writeFile(join(dir, "card.md"), card(member, seat, entry), { mode: 0o600 });
      return dir;
    }),
  );
}

const KEY = "id_ed25519";

const knownHosts = ({ host, hostKey, port }: EntryAddress): string =>
  hostKey === ""
    ? ""
    : `${port === 22 ? host : `[${host}]:${port}`} ${hostKey.split(" ").slice(0, 2).join(" ")}\n`;

function card({ name, seat }: Member, record: SeatRecord, { host, port }: EntryAddress): string {
  const expires = expiryInForce(record);
  const options = `-i ${KEY} -o UserKnownHostsFile=known_hosts -p ${port}`;
  const ways = targetsOf(record).map((target) => `    ssh ${options} ${seat}.${target}@${host}\n`);
  return `# ${name || seat}: lab ${record.lab}

Your machines are ready. Open a terminal in the folder with this card, and type:

${ways.join("")}
To copy a file into your home folder there:

    scp ${options.replace("-p ", "-P ")} FILE ${seat}.${targetsOf(record)[0]}@${host}:

The file \`${KEY}\` is your key. Keep it to yourself: who has it can log in as you. If ssh says that it is open to others:
\`chmod 600 ${KEY}\`.

${expires === "never" ? "Your machines have no end." : `Your machines end at ${localTime(expires)}. What is in them is lost then.`}
`;
}

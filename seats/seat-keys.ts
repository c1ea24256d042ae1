import { join } from "node:path";
import writeFileAtomic from "write-file-atomic";
import { UserError } from "../base/errors.js";
import { readOwnFile } from "../base/files.js";
import { privateDir } from "../base/paths.js";
import { machineName, type SeatId } from "../model/naming.js";
import { type SeatRecord, seatDir } from "./seat-record.js";

/** A seat's key pair and its guest's host key, as OpenSSH files and their text. */
export interface SeatKeys {
  /** Path of the private key, 0600. */
  identityFile: string;
  publicKey: string;
  /** The guest's host key: an OpenSSH private key file's text, and its path. */
  hostKey: string;
  hostKeyFile: string;
  hostPublicKey: string;
  knownHostsFile: string;
}

type SeatMachines = SeatId & Pick<SeatRecord, "machines">;

const fileOf = (id: SeatId, name: "id" | "host"): string => join(seatDir(id), `${name}_ed25519`);

/** The seat's keys, made at its first `up` and kept until `down`. Guest and VPS share a host key. The caller holds the seat's lock. */
export async function makeSeatKeys(record: SeatMachines): Promise<SeatKeys> {
  await privateDir(seatDir(record));
  const comment = machineName(record, "guest");
  const [own, host] = await Promise.all([
    keyPair(fileOf(record, "id"), comment),
    keyPair(fileOf(record, "host"), comment),
  ]);
  return withKnownHosts(record, own, host);
}

/** The keys of a seat that has been up. @throws UserError when they are not made yet. */
export async function seatKeys(record: SeatMachines): Promise<SeatKeys> {
  const keys = await seatKeysIfMade(record);
  if (keys !== undefined) return keys;
  throw new UserError(`seat "${record.seat}" of lab "${record.lab}" has no keys yet`, {
    why: "its first `trilab up` makes them",
    fix: `trilab up ${record.lab} --seat ${record.seat}`,
  });
}

/** The keys of a seat; `undefined` when they are not made yet. */
export async function seatKeysIfMade(record: SeatMachines): Promise<SeatKeys | undefined> {
  const [own, host] = await Promise.all([
    readKeyPair(fileOf(record, "id")),
    readKeyPair(fileOf(record, "host")),
  ]);
  return own && host && withKnownHosts(record, own, host);
}

/** Writes the file by which ssh knows the seat's machines. It is derived, and not shared with other instructors. */
async function withKnownHosts(record: SeatMachines, own: SshKeys, host: SshKeys): Promise<SeatKeys> {
  const knownHostsFile = join(seatDir(record), "known_hosts");
  const addresses = record.machines.flatMap(({ target, address }) =>
    target === "container" || address === undefined ? [] : [address],
  );
  const known = addresses.map((a) => `${a} ${host.publicKey}\n`).join("");
  // Written atomically: another command's ssh may be reading it.
  if ((await readOwnFile(knownHostsFile)) !== known)
    await writeFileAtomic(knownHostsFile, known, { mode: 0o600 });
  return {
    identityFile: fileOf(record, "id"),
    publicKey: own.publicKey,
    hostKey: host.privateKey,
    hostKeyFile: fileOf(record, "host"),
    hostPublicKey: host.publicKey,
    knownHostsFile,
  };
}

/** An ed25519 key pair, as the text of OpenSSH's files. */
export interface SshKeys {
  privateKey: string;
  publicKey: string;
}

/** The key pair in `file` and `file.pub`, made if it is not there. The caller holds a lock. */
export async function keyPair(file: string, comment: string): Promise<SshKeys> {
  const there = await readKeyPair(file);
  if (there !== undefined) return there;
  const made = await newKeyPair(comment);
  await Promise.all([
    writeFileAtomic(file, made.private, { mode: 0o600 }),
    writeFileAtomic(`${file}.pub`, `${made.public}\n`, { mode: 0o600 }),
  ]);
  return { privateKey: made.private, publicKey: made.public };
}

/** The key pair in `file` and `file.pub`; `undefined` when one of them is missing. @throws UserError when it can't be read. */
async function readKeyPair(file: string): Promise<SshKeys | undefined> {
  const [privateKey, publicKey] = await Promise.all([readOwnFile(file), readOwnFile(`${file}.pub`)]);
  return privateKey && publicKey ? { privateKey, publicKey: publicKey.trim() } : undefined;
}

/** An ed25519 key pair in OpenSSH's file format. ssh2 writes one in 256 (those that start with 0) a byte short, and no SSH reads them. */
export async function newKeyPair(comment: string): Promise<{ private: string; public: string }> {
  const { default: ssh2 } = await import("ssh2");
  for (;;) {
    const made = ssh2.utils.generateKeyPairSync("ed25519", { comment });
    const broken = [made.private, made.public].some((text) => ssh2.utils.parseKey(text) instanceof Error);
    if (!broken) return made;
  }
}

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import writeFileAtomic from "write-file-atomic";
import { z } from "zod";
import { privateDir, stateDir } from "../base/paths.js";
import type { Passphrase } from "./backend.js";
import { openCrypter } from "./secrets.js";

/** The hash tells whether the salt still belongs to the passphrase, without another key. */
const saltSchema = z.object({ passphrase: z.string(), salt: z.string() });

const making = new Map<string, Promise<string>>();

/**
 * The salt of a new stack: `encryptionsalt` of its settings. Under trilab's own passphrase all stacks have the same one,
 * because a new one costs a key (0.2–1 s of CPU). The passphrase is random, so its salt adds nothing. A user's passphrase
 * may be weak: under that each stack has a salt of its own.
 */
export async function newStackSalt({ generated, value }: Passphrase): Promise<string> {
  if (!generated) return (await openCrypter(value)).state;
  const file = join(await privateDir(stateDir()), "salt.json");
  const hash = createHash("sha256").update(value).digest("hex");
  const key = `${file} ${hash}`;
  const salt = making.get(key) ?? readOrMake(file, hash, value).finally(() => making.delete(key));
  making.set(key, salt);
  return salt;
}

async function readOrMake(file: string, hash: string, passphrase: string): Promise<string> {
  try {
    const known = saltSchema.parse(JSON.parse(await readFile(file, "utf8")));
    if (known.passphrase === hash) return known.salt;
  } catch {
    // There is none yet, or it is damaged. Stacks keep theirs in their settings and their state.
  }
  const { state } = await openCrypter(passphrase);
  await writeFileAtomic(file, `${JSON.stringify({ passphrase: hash, salt: state })}\n`, { mode: 0o600 });
  return state;
}

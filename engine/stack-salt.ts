import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import writeFileAtomic from "write-file-atomic";
import { z } from "zod";
import { privateDir, stateDir } from "../base/paths.js";
import type { Passphrase } from "./backend.js";
import { openCrypter } from "./secrets.js";

/** The hash shows whether the salt was made with this passphrase, without deriving a key. */
const saltSchema = z.object({ passphrase: z.string(), salt: z.string() });

const making = new Map<string, Promise<string>>();

/**
 * The salt of a new stack, for `encryptionsalt` in its settings. With trilab's own passphrase, all stacks have the same salt,
 * because a new one needs a new key (0.2–1 s of CPU), and with a random passphrase it adds no security. A user's passphrase
 * may be weak, so with that, each stack has its own salt.
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

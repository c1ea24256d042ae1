import { createCipheriv, createDecipheriv, pbkdf2, randomBytes } from "node:crypto";
import { promisify } from "node:util";
import { ExitCode, UserError } from "../base/errors.js";

/**
 * Encrypts and decrypts Pulumi's passphrase secrets (sdk/go/common/resource/config/crypt.go): AES-256-GCM, with a key that
 * PBKDF2 derives from the passphrase in one million rounds (0.2–1 s). So we need no engine process to write a stack's
 * configuration or to read its outputs.
 */
export interface Crypter {
  /** `encryptionsalt` of Pulumi.<stack>.yaml: the salt, and a known text, encrypted, which shows whether a passphrase is right. */
  state: string;
  encrypt(text: string): string;
  decrypt(sealed: string): string;
}

const derive = promisify(pbkdf2);
const knownText = "pulumi";

/** @throws UserError (exit 2) when `state` was made with another passphrase. */
export async function openCrypter(passphrase: string, state?: string): Promise<Crypter> {
  const parts = state?.split(":");
  const salt = parts ? Buffer.from(parts[1] ?? "", "base64") : randomBytes(8);
  const key = await derive(passphrase, salt, 1_000_000, 32, "sha256");
  const encrypt = (text: string): string => {
    const nonce = randomBytes(12);
    const cipher = createCipheriv("aes-256-gcm", key, nonce);
    const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()]);
    return `v1:${nonce.toString("base64")}:${sealed.toString("base64")}`;
  };
  const decrypt = (text: string): string => {
    const [version, nonce, sealed] = text.split(":");
    if (version !== "v1" || nonce === undefined || sealed === undefined)
      throw new Error("unknown form of secret");
    const bytes = Buffer.from(sealed, "base64");
    const decipher = createDecipheriv("aes-256-gcm", key, Buffer.from(nonce, "base64"));
    decipher.setAuthTag(bytes.subarray(-16));
    return Buffer.concat([decipher.update(bytes.subarray(0, -16)), decipher.final()]).toString("utf8");
  };
  if (!state) return { state: `v1:${salt.toString("base64")}:${encrypt(knownText)}`, encrypt, decrypt };
  try {
    if (decrypt(parts?.slice(2).join(":") ?? "") !== knownText) throw new Error("another text");
  } catch (cause) {
    throw wrongPassphrase(cause);
  }
  return { state, encrypt, decrypt };
}

export function wrongPassphrase(cause?: unknown): UserError {
  return new UserError("the passphrase does not open this stack's secrets", {
    why: "PULUMI_CONFIG_PASSPHRASE, PULUMI_CONFIG_PASSPHRASE_FILE or the passphrase file in the state directory has changed since the stack was made",
    fix: "set the variable to the passphrase with which the stack was made, or unset it to use trilab's own passphrase file",
    exitCode: ExitCode.usage,
    cause,
  });
}

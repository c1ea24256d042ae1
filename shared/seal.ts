import {
  createCipheriv,
  createDecipheriv,
  hkdfSync,
  randomBytes,
  type ScryptOptions,
  scrypt,
} from "node:crypto";

/** Encrypts and decrypts what is stored in a bucket, with AES-256-GCM. */
export interface Seal {
  /** @param name The object's name: a text that was sealed for one name does not open under another. */
  seal(name: string, text: string): Buffer;
  /** @returns `undefined` when it was sealed with another key or for another name, or was changed. */
  open(name: string, sealed: Buffer): string | undefined;
  /** A secret text of this key for another purpose. */
  derive(purpose: string): string;
}

const [IV, TAG] = [12, 16];
export const KEY_BYTES = 32;

export function sealWith(key: Buffer): Seal {
  return {
    seal(name, text) {
      const iv = randomBytes(IV);
      const cipher = createCipheriv("aes-256-gcm", key, iv).setAAD(Buffer.from(name));
      const body = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
      return Buffer.concat([iv, cipher.getAuthTag(), body]);
    },
    open(name, sealed) {
      try {
        const decipher = createDecipheriv("aes-256-gcm", key, sealed.subarray(0, IV), { authTagLength: TAG });
        decipher.setAAD(Buffer.from(name)).setAuthTag(sealed.subarray(IV, IV + TAG));
        return decipher.update(sealed.subarray(IV + TAG), undefined, "utf8") + decipher.final("utf8");
      } catch {
        return undefined;
      }
    },
    derive: (purpose) =>
      Buffer.from(hkdfSync("sha256", key, Buffer.alloc(0), `trilab ${purpose}`, KEY_BYTES)).toString(
        "base64url",
      ),
  };
}

/** 64 MiB and a third of a second for each guess of a passphrase. */
const COST: ScryptOptions = { N: 2 ** 16, r: 8, p: 1, maxmem: 96 * 1024 * 1024 };

/** The key that a passphrase gives with a salt. */
export const keyOf = (passphrase: string, salt: Buffer): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    scrypt(passphrase, salt, KEY_BYTES, COST, (error, key) => (error ? reject(error) : resolve(key)));
  });

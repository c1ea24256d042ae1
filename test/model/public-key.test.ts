import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { isUsablePublicKey } from "../../model/public-key.js";

const dir = mkdtempSync(join(tmpdir(), "trilab-keys-"));
const made = (...args: string[]): string => {
  const file = join(dir, args.join(""));
  execFileSync("ssh-keygen", ["-q", "-N", "", "-f", file, ...args]);
  return readFileSync(`${file}.pub`, "utf8").trim();
};

it("takes what ssh-keygen makes, and nothing that is cut, longer or of another type", () => {
  try {
    for (const args of [
      ["-t", "ed25519"],
      ["-t", "rsa", "-b", "2048"],
      ["-t", "ecdsa", "-b", "256"],
      ["-t", "ecdsa", "-b", "521"],
    ]) {
      const line = made(...args);
      expect([line, isUsablePublicKey(line)]).toEqual([line, true]);
      const [type = "", base64 = ""] = line.split(" ");
      const blob = Buffer.from(base64, "base64");
      const as = (bytes: Buffer): string => `${type} ${bytes.toString("base64")}`;
      expect(isUsablePublicKey(as(blob.subarray(0, -1)))).toBe(false);
      expect(isUsablePublicKey(as(Buffer.concat([blob, Buffer.from([0])])))).toBe(false);
      expect(isUsablePublicKey(`sk-${type} ${base64}`)).toBe(false);
    }
    expect(isUsablePublicKey("ssh-ed25519 AAAA")).toBe(false);
    expect(isUsablePublicKey("ssh-ed25519")).toBe(false);
  } finally {
    rmSync(dir, { recursive: true });
  }
});

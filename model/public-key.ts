/** Curves by their names in a key's blob. */
const ECDSA_CURVES = ["nistp256", "nistp384", "nistp521"];

/** The least bits of an RSA key that sshd accepts (its RequiredRSASize). */
const RSA_BITS = 1024;

/**
 * Whether a line in authorized_keys form contains a key that sshd can use: after the type must come a complete key of that
 * type (RFC 4253, 5656, 8709, and PROTOCOL.u2f for `sk-…`) and nothing else. Pure.
 */
export function isUsablePublicKey(line: string): boolean {
  const [type = "", base64 = ""] = line.split(" ");
  const fields = wireFields(Buffer.from(base64, "base64"));
  if (fields?.[0]?.toString() !== type) return false;
  const lengths = fields.slice(1).map((field) => field.length);
  const curve = ECDSA_CURVES.find((name) => type.includes(name));
  const onCurve = curve !== undefined && fields[1]?.toString() === curve && isPoint(fields[2], curve);
  switch (type) {
    case "ssh-ed25519":
      return lengths.length === 1 && lengths[0] === 32;
    case "sk-ssh-ed25519@openssh.com":
      return lengths.length === 2 && lengths[0] === 32 && lengths[1] !== 0;
    case "ssh-rsa":
      return lengths.length === 2 && lengths[0] !== 0 && bits(fields[2]) >= RSA_BITS;
    case "sk-ecdsa-sha2-nistp256@openssh.com":
      return onCurve && fields.length === 4 && lengths[2] !== 0;
    default:
      return onCurve && fields.length === 3 && type === `ecdsa-sha2-${curve}`;
  }
}

/** The length-prefixed fields of a blob; `undefined` when they don't fill it exactly. */
function wireFields(blob: Buffer): Buffer[] | undefined {
  const fields: Buffer[] = [];
  for (let at = 0; at < blob.length; ) {
    if (at + 4 > blob.length) return undefined;
    const end = at + 4 + blob.readUInt32BE(at);
    if (end > blob.length) return undefined;
    fields.push(blob.subarray(at + 4, end));
    at = end;
  }
  return fields;
}

/** An uncompressed point: 4, then both coordinates. */
function isPoint(field: Buffer | undefined, curve: string): boolean {
  const bytes = Math.ceil(Number(curve.slice("nistp".length)) / 8);
  return field?.length === 1 + 2 * bytes && field[0] === 4;
}

/** Bits of a positive number in two's complement. */
const bits = (field: Buffer | undefined): number => {
  const hex = field?.toString("hex").replace(/^0+/, "") ?? "";
  return hex === "" ? 0 : BigInt(`0x${hex}`).toString(2).length;
};

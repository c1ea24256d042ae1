/** The unpacked size of a block in the legacy frame is at most this many bytes. */
const legacyBlock = 8 * 1024 ** 2;

/**
 * Unpacks LZ4's legacy frame, with which Debian compresses its kernels. So the lz4 tool, which few hosts have, is not needed.
 *
 * @param size The unpacked size in bytes.
 * @throws Error when the data has another format or another size.
 */
export function unpackLegacyLz4(input: Buffer, size: number): Buffer {
  if (input.length < 8 || input.readUInt32LE(0) !== 0x184c2102) throw new Error("not an LZ4 legacy frame");
  const output = Buffer.alloc(size);
  let at = 4;
  let written = 0;
  while (at + 4 <= input.length && written < size) {
    const length = input.readUInt32LE(at);
    at += 4;
    const block = input.subarray(at, at + length);
    written += unpackBlock(block, output.subarray(written, Math.min(size, written + legacyBlock)));
    at += length;
  }
  if (written !== size) throw new Error(`the LZ4 data gives ${written} bytes, not ${size}`);
  return output;
}

/** Unpacks one block: runs of literal bytes, each followed by a copy of bytes from earlier output. */
function unpackBlock(input: Buffer, output: Buffer): number {
  let from = 0;
  let to = 0;
  const byte = (): number => {
    const value = input[from++];
    if (value === undefined) throw new Error("the LZ4 data is cut short");
    return value;
  };
  const extended = (start: number): number => {
    let length = start;
    if (start === 15) {
      let more = 255;
      while (more === 255) {
        more = byte();
        length += more;
      }
    }
    return length;
  };
  while (from < input.length) {
    const token = byte();
    const literals = extended(token >> 4);
    if (from + literals > input.length || to + literals > output.length)
      throw new Error("the LZ4 data is cut short");
    input.copy(output, to, from, from + literals);
    from += literals;
    to += literals;
    // The last run has no copy after it.
    if (from >= input.length) break;
    const offset = byte() | (byte() << 8);
    const length = extended(token & 15) + 4;
    const start = to - offset;
    if (offset === 0 || start < 0 || to + length > output.length) throw new Error("the LZ4 data is damaged");
    // Source and target may overlap: that is how the format repeats bytes.
    if (offset >= length) output.copy(output, to, start, start + length);
    else for (let index = 0; index < length; index++) output[to + index] = output[start + index] ?? 0;
    to += length;
  }
  return to;
}

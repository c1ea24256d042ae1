const SIZES: Record<string, number> = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 };
const SECONDS: Record<string, number> = { d: 86_400, h: 3_600, m: 60, s: 1 };

/** One mebibyte, in bytes. */
export const MiB = 2 ** 20;

/**
 * Bytes from a size with an IEC unit: `512MiB`, `4GiB`, `1.5GiB`.
 *
 * @returns bytes, a positive whole number; `undefined` when `text` is no such size.
 */
export function parseSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*(B|KiB|MiB|GiB|TiB)$/.exec(text.trim());
  const unit = SIZES[match?.[2] ?? ""];
  if (match === null || unit === undefined) return undefined;
  const bytes = Math.round(Number(match[1]) * unit);
  return bytes > 0 && Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** The shortest exact-looking IEC form of a number of bytes: `512MiB`, `1.5GiB`, `0B`. */
export function formatSize(bytes: number): string {
  for (const [unit, size] of Object.entries(SIZES).reverse()) {
    if (Math.abs(bytes) >= size)
      return `${Number((bytes / size).toFixed(bytes % size === 0 ? 0 : 1))}${unit}`;
  }
  return `${bytes}B`;
}

/** The longest duration, in seconds: ten years. */
const LONGEST = 3_650 * 86_400;

/**
 * Seconds from a duration: `3h`, `1h30m`, `90s`, `2d`; units from large to small, each at most once.
 *
 * @returns seconds, a positive whole number; `undefined` when `text` is no such duration, or more than ten years.
 */
export function parseDuration(text: string): number | undefined {
  const match = /^(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/.exec(text.trim());
  if (match === null) return undefined;
  const seconds = Object.values(SECONDS).reduce((sum, unit, i) => sum + unit * Number(match[i + 1] ?? 0), 0);
  return seconds > 0 && seconds <= LONGEST ? seconds : undefined;
}

/** The two largest units of a duration: `1h30m`, `2d`, `45s`; fractions of a second are dropped. */
export function formatDuration(seconds: number): string {
  let rest = Math.max(0, Math.floor(seconds));
  const parts: string[] = [];
  for (const [unit, size] of Object.entries(SECONDS)) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${count}${unit}`);
  }
  return parts.slice(0, 2).join("") || "0s";
}

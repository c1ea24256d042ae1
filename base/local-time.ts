/**
 * A point in time for people, in this process's time zone, which it names: `2026-11-26 08:13 UTC`,
 * `2026-11-26 09:13 UTC+1`. A text that is no time stays as it is.
 */
export function localTime(iso: string): string {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return iso;
  const two = (n: number): string => String(n).padStart(2, "0");
  const east = -at.getTimezoneOffset();
  const [hours, minutes] = [Math.floor(Math.abs(east) / 60), Math.abs(east) % 60];
  const zone = east === 0 ? "" : `${east < 0 ? "−" : "+"}${hours}${minutes === 0 ? "" : `:${two(minutes)}`}`;
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())} UTC${zone}`;
}

/**
 * Parses a point in time: `2026-11-30T08:30` in this process's time zone, `2026-11-30T08:30+01:00` in another.
 *
 * @returns milliseconds since 1970; `undefined` when it is none.
 */
export function parseMoment(text: string): number | undefined {
  const [, day] = /^(\d{4}-\d\d-\d\d)T\d\d:\d\d/.exec(text) ?? [];
  const at = Date.parse(text);
  // Date.parse takes 30 February for 2 March.
  const isDay = day !== undefined && new Date(`${day}T00:00Z`).toJSON()?.startsWith(day);
  return isDay && !Number.isNaN(at) ? at : undefined;
}

/** What crosses the provider protocol once secrets are unwrapped; unknowns are still their marker strings. */
export type PropertyValue =
  | null
  | boolean
  | number
  | string
  | PropertyValue[]
  | { [key: string]: PropertyValue | undefined };
export type PropertyMap = { [key: string]: PropertyValue | undefined };

/** The engine's marker for "a string not known before the real run"; also what we answer with in a preview. */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** One marker for each kind of value (pulumi/sdk: go/common/resource/plugin/rpc.go). */
const UNKNOWN_MARKERS: ReadonlySet<string> = new Set([
  UNKNOWN,
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
  "030794c1-ac77-496b-92df-f27374a8bd58",
  "e48ece36-62e2-4504-bad9-02848725956a",
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
]);

const SIGNATURE = "4dabf18193072939515e22adb298388d";
const SECRET = "1b47061264138c4ac30d75fd1eb44270";

export function isUnknown(value: unknown): boolean {
  return typeof value === "string" && UNKNOWN_MARKERS.has(value);
}

export function isObject(value: unknown): value is { [key: string]: PropertyValue | undefined } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether a value is, or holds anywhere inside, something not known yet. */
export function hasUnknown(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(hasUnknown);
  if (isObject(value)) return Object.values(value).some(hasUnknown);
  return isUnknown(value);
}

/** The secrets of one request: which top-level properties hold one, and the plain texts not to print. */
export interface Secrets {
  keys: Set<string>;
  texts: Set<string>;
}

export const noSecrets = (): Secrets => ({ keys: new Set(), texts: new Set() });

/**
 * Takes the secret envelopes off a property bag and notes what was in them. Null properties, which mean
 * "not set", are dropped.
 */
export function openSecrets(raw: unknown, secrets: Secrets): PropertyMap {
  const bag: PropertyMap = {};
  if (!isObject(raw)) return bag;
  for (const [key, value] of Object.entries(raw)) {
    const seen = { secret: false };
    const plain = open(value, secrets, seen, false);
    if (seen.secret) secrets.keys.add(key);
    if (plain !== null && plain !== undefined) bag[key] = plain;
  }
  return bag;
}

function open(value: unknown, secrets: Secrets, seen: { secret: boolean }, inside: boolean): PropertyValue {
  if (Array.isArray(value)) return value.map((item) => open(item, secrets, seen, inside));
  if (isObject(value)) {
    if (value[SIGNATURE] === SECRET) {
      seen.secret = true;
      return open(value.value, secrets, seen, true);
    }
    return Object.fromEntries(
      Object.entries(value)
        // The official plugins' bookkeeping: it stands in what they wrote, and must not look like a difference.
        .filter(([key]) => key !== "__defaults")
        .map(([key, item]) => [key, open(item, secrets, seen, inside)]),
    );
  }
  // Very short texts ("1", "no") would blank out half of an error message and hide nothing.
  if (inside && typeof value === "string" && value.length >= 4 && !isUnknown(value)) secrets.texts.add(value);
  return value === undefined ? null : (value as PropertyValue);
}

/** The bag for the wire: `undefined` left out, and the properties that came as secrets marked so again. */
export function sealSecrets(bag: PropertyMap, secrets: Secrets): { [key: string]: PropertyValue } {
  const sealed: { [key: string]: PropertyValue } = {};
  for (const [key, value] of Object.entries(bag)) {
    if (value === undefined) continue;
    const plain = withoutUndefined(value);
    sealed[key] = secrets.keys.has(key) ? { [SIGNATURE]: SECRET, value: plain } : plain;
  }
  return sealed;
}

function withoutUndefined(value: PropertyValue): PropertyValue {
  if (Array.isArray(value)) return value.map(withoutUndefined);
  if (!isObject(value)) return value;
  // By entries: an assignment to a key named __proto__ would be lost.
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, item]) =>
      item === undefined ? [] : [[key, withoutUndefined(item)] as const],
    ),
  );
}

/** Replaces every secret's text in a message, so that neither errors nor logs give one away. */
export function redact(message: string, secrets: Secrets): string {
  let result = message;
  for (const text of [...secrets.texts].sort((a, b) => b.length - a.length))
    result = result.replaceAll(text, "[secret]");
  return result;
}

/** Structural equality; an absent property equals an undefined one. */
export function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((item, index) => same(item, b[index]));
  if (!isObject(a) || !isObject(b)) return false;
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].every((key) => same(a[key], b[key]));
}

/** Whether two lists hold the same things, whatever their order. */
export function sameSet(a: unknown, b: unknown): boolean {
  return Array.isArray(a) && Array.isArray(b) && a.length === b.length && sorted(a) === sorted(b);
}

function sorted(items: unknown[]): string {
  return JSON.stringify(items.map(ordered).sort());
}

/** JSON with sorted keys: equal texts for equal values. */
function ordered(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    isObject(item) ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1))) : item,
  );
}

/** Typed values into a property bag; `undefined` members are left out on the wire. */
export const bag = (value: object): PropertyMap => value as PropertyMap;

/** A value of the provider protocol, with unpacked secrets. Unknown values are the engine's marker strings. */
export type PropertyValue =
  | null
  | boolean
  | number
  | string
  | PropertyValue[]
  | { [key: string]: PropertyValue | undefined };
export type PropertyMap = { [key: string]: PropertyValue | undefined };

/** The engine's marker for a string that is not known before the real run. We also return it in previews. */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** The markers, one for each type of value (pulumi/sdk: go/common/resource/plugin/rpc.go). */
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

/** Whether a value is not known yet, or contains such a value. */
export function hasUnknown(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(hasUnknown);
  if (isObject(value)) return Object.values(value).some(hasUnknown);
  return isUnknown(value);
}

/** The secrets of one request: the top-level properties that contain one, and the texts that must not be printed. */
export interface Secrets {
  keys: Set<string>;
  texts: Set<string>;
}

export const noSecrets = (): Secrets => ({ keys: new Set(), texts: new Set() });

/**
 * Unpacks the secrets of a set of properties, and records their texts. Removes properties that are null, which means "not
 * set".
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
        // The official plugins write this property for themselves; it must not look like a difference.
        .filter(([key]) => key !== "__defaults")
        .map(([key, item]) => [key, open(item, secrets, seen, inside)]),
    );
  }
  // Very short texts ("1", "no") are not replaced: half of an error message would disappear, and nothing would be hidden.
  if (inside && typeof value === "string" && value.length >= 4 && !isUnknown(value)) secrets.texts.add(value);
  return value === undefined ? null : (value as PropertyValue);
}

/** The properties for the protocol: without `undefined`, and with those marked as secrets that came as secrets. */
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
  // Object.fromEntries, because an assignment to a key named __proto__ would be lost.
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, item]) =>
      item === undefined ? [] : [[key, withoutUndefined(item)] as const],
    ),
  );
}

/** Replaces the texts of secrets in a message, so that no error and no log shows one. */
export function redact(message: string, secrets: Secrets): string {
  let result = message;
  for (const text of [...secrets.texts].sort((a, b) => b.length - a.length))
    result = result.replaceAll(text, "[secret]");
  return result;
}

/** Structural equality. An absent property equals an undefined one. */
export function same(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((item, index) => same(item, b[index]));
  if (!isObject(a) || !isObject(b)) return false;
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].every((key) => same(a[key], b[key]));
}

/** Whether two lists have the same members, in any order. */
export function sameSet(a: unknown, b: unknown): boolean {
  return Array.isArray(a) && Array.isArray(b) && a.length === b.length && sorted(a) === sorted(b);
}

function sorted(items: unknown[]): string {
  return JSON.stringify(items.map(ordered).sort());
}

/** JSON with sorted keys, so that equal values have equal texts. */
function ordered(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    isObject(item) ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1))) : item,
  );
}

/** Converts typed values to a set of properties. `undefined` members are not sent. */
export const bag = (value: object): PropertyMap => value as PropertyMap;

import { randomBytes } from "node:crypto";
import type { z } from "zod";
import { type Failure, reason, type StandInName, title, useOfficial } from "./errors.js";
import { type AnyResource, withoutMeta } from "./resource.js";
import { isObject, isUnknown, type PropertyMap, type PropertyValue } from "./values.js";

export interface Checked {
  inputs: PropertyMap;
  failures: Failure[];
}

/**
 * Checks inputs against a resource's schema and rules, all of them at once, and fills in the name.
 * What isn't known yet (in a preview) passes; names of properties are checked all the same.
 *
 * @param urn The resource's URN; its last part names what has no name of its own.
 * @param olds The inputs of the last run: a made-up name is kept from there.
 */
export function check<Client>(
  resource: AnyResource<Client>,
  plugin: StandInName,
  urn: string,
  olds: PropertyMap,
  news: PropertyMap,
): Checked {
  const asked = withoutMeta(news);
  const inputs: PropertyMap = { ...asked };
  const { autoname } = resource;
  if (autoname !== undefined && inputs[autoname] === undefined) {
    inputs[autoname] =
      madeUpName(olds, autoname) ??
      `${urn.split("::").at(-1) ?? "resource"}-${randomBytes(4).toString("hex").slice(0, 7)}`;
    // The official provider's own mark for "not chosen by the user"; a replacement then gets a new name.
    inputs.__defaults = [autoname];
  }
  const known = pruneUnknown(withoutMeta(inputs));
  const failures = problemsOf(resource.schema, known.value, known.paths, plugin);
  if (failures.length === 0) failures.push(...resource.validate(known.value));
  return { inputs, failures };
}

function madeUpName(olds: PropertyMap, autoname: string): PropertyValue | undefined {
  return Array.isArray(olds.__defaults) && olds.__defaults.includes(autoname) ? olds[autoname] : undefined;
}

/** Every way in which `value` doesn't fit `schema`, except for what is merely not known yet. */
export function problemsOf(
  schema: z.ZodObject,
  value: PropertyMap,
  unknownPaths: ReadonlySet<string>,
  plugin: StandInName,
): Failure[] {
  const result = schema.safeParse(value);
  if (result.success) return [];
  const failures: Failure[] = [];
  for (const issue of result.error.issues) {
    if (issue.code === "unrecognized_keys") {
      for (const key of issue.keys) failures.push(unsupported([...issue.path, key], schema, plugin));
    } else if (!unknownPaths.has(pathText(issue.path))) {
      failures.push({
        property: pathText(issue.path),
        reason: reason(issue.message, undefined, "give a value of that kind"),
      });
    }
  }
  return failures;
}

function unsupported(path: PropertyKey[], schema: z.ZodObject, plugin: StandInName): Failure {
  const known = path.length === 1 ? `; it honours ${Object.keys(schema.shape).sort().join(", ")}` : "";
  return {
    property: pathText(path),
    reason: reason(
      `${pathText(path)} is not supported`,
      `this is ${title(plugin)}, which refuses what it can't honour${known}`,
      `take the property out, or use the official plugin; ${useOfficial(plugin)}`,
    ),
  };
}

/** `ports[0].external`, as Pulumi writes property paths. */
export function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((part, index) => (typeof part === "number" ? `[${part}]` : `${index ? "." : ""}${String(part)}`))
    .join("");
}

/**
 * The bag with everything unknown taken out, and the paths of what was. A list with an unknown member is
 * unknown as a whole: without that member its indices would lie.
 */
export function pruneUnknown(bag: PropertyMap): { value: PropertyMap; paths: Set<string> } {
  const paths = new Set<string>();
  const visit = (value: PropertyValue, path: PropertyKey[]): PropertyValue | undefined => {
    if (isUnknown(value)) return undefined;
    if (Array.isArray(value)) {
      const items = value.map((item, index) => visit(item, [...path, index]));
      return items.includes(undefined) ? undefined : (items as PropertyValue[]);
    }
    return isObject(value) ? members(value, path) : value;
  };
  const members = (object: PropertyMap, path: PropertyKey[]): PropertyMap => {
    const result: PropertyMap = {};
    for (const [key, item] of Object.entries(object)) {
      const kept = item === undefined ? undefined : visit(item, [...path, key]);
      // The key stays, so that an unsupported property is refused even while its value is unknown.
      result[key] = kept;
      if (kept === undefined) paths.add(pathText([...path, key]));
    }
    return result;
  };
  return { value: members(bag, []), paths };
}

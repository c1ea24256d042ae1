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
 * Checks all inputs against a resource's schema and rules, and generates the name if there is none. Values that are not
 * known yet (in a preview) pass, but the names of their properties are checked.
 *
 * @param urn The resource's URN. A generated name begins with its last part.
 * @param olds The inputs of the last run. A generated name is kept from there.
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
    // The official provider's mark for a generated property. With it, a replacement gets a new name.
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

/** All ways in which `value` does not fit `schema`, except values that are not known yet. */
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
  const known = path.length === 1 ? `; it supports ${Object.keys(schema.shape).sort().join(", ")}` : "";
  return {
    property: pathText(path),
    reason: reason(
      `${pathText(path)} is not supported`,
      `this is ${title(plugin)}, which refuses what it does not support${known}`,
      `remove the property, or use the official plugin; ${useOfficial(plugin)}`,
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
 * The properties without those that are not known, and the paths of these. A list with an unknown member counts as unknown,
 * because the indices of the other members would change.
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
      // The key stays, so that an unsupported property is refused also if its value is not known.
      result[key] = kept;
      if (kept === undefined) paths.add(pathText([...path, key]));
    }
    return result;
  };
  return { value: members(bag, []), paths };
}

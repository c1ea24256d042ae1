import { type AnyResource, type PropertyRule, withoutMeta } from "./resource.js";
import { hasUnknown, type PropertyMap, same } from "./values.js";

export type Change = "add" | "delete" | "update";

export interface PropertyChange {
  change: Change;
  replace: boolean;
}

/** The differing top-level properties; empty if there are none. */
export type Changes = Map<string, PropertyChange>;

/**
 * Compares an object with its inputs.
 *
 * - An input is compared with the object's property, so that a change that a refresh found is seen.
 * - A property without an input is compared with its fixed default. If only the daemon knows the default, the property differs
 *   only if the last run had an input for it.
 * - A value that is not known yet counts as a change: it may be one, and the preview must include what depends on it.
 *
 * @param state The object's outputs.
 * @param oldInputs The inputs of the last run.
 * @param ignore Top-level properties of `ignoreChanges`.
 */
export function diff<Client>(
  resource: AnyResource<Client>,
  state: PropertyMap,
  oldInputs: PropertyMap,
  news: PropertyMap,
  ignore: readonly string[] = [],
): Changes {
  const changes: Changes = new Map();
  const before = withoutMeta(oldInputs);
  for (const [key, rule] of Object.entries(resource.rules)) {
    if (ignore.includes(key)) continue;
    const has = set(state[key]) ?? rule.default;
    const wants = set(news[key]) ?? rule.default;
    if (wants === undefined) {
      if (set(before[key]) !== undefined)
        changes.set(key, { change: "delete", replace: replaces(rule, has, wants) });
    } else if (hasUnknown(wants) || !agrees(rule, has, wants)) {
      const change =
        news[key] === undefined
          ? "delete"
          : state[key] === undefined && before[key] === undefined
            ? "add"
            : "update";
      changes.set(key, { change, replace: replaces(rule, has, wants) });
    }
  }
  return changes;
}

/** An empty list or map counts as no input, as in the official provider. */
function set(value: PropertyMap[string]): PropertyMap[string] {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0 ? undefined : value;
}

function agrees(rule: PropertyRule, has: unknown, wants: unknown): boolean {
  return same(has, wants) || (has !== undefined && rule.agrees?.(has, wants) === true);
}

function replaces(rule: PropertyRule, was: unknown, becomes: unknown): boolean {
  return (typeof rule.on === "function" ? rule.on(was, becomes) : rule.on) === "replace";
}

import { type AnyResource, type PropertyRule, withoutMeta } from "./resource.js";
import { hasUnknown, type PropertyMap, same } from "./values.js";

export type Change = "add" | "delete" | "update";

export interface PropertyChange {
  change: Change;
  replace: boolean;
}

/** What differs, by top-level property; empty when nothing does. */
export type Changes = Map<string, PropertyChange>;

/**
 * Compares what the object is with what is asked for.
 *
 * - A property that is asked for is compared with the object's (so drift found by a refresh shows up).
 * - One that isn't asked for is compared with its static default; where only the daemon knows the default,
 *   it differs only if it was asked for the last time.
 * - A value not known yet counts as a change: it may be one, and dependents must be planned for that.
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

/** An empty list or map asks for nothing, as with the official provider. */
function set(value: PropertyMap[string]): PropertyMap[string] {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0 ? undefined : value;
}

function agrees(rule: PropertyRule, has: unknown, wants: unknown): boolean {
  return same(has, wants) || (has !== undefined && rule.agrees?.(has, wants) === true);
}

function replaces(rule: PropertyRule, was: unknown, becomes: unknown): boolean {
  return (typeof rule.on === "function" ? rule.on(was, becomes) : rule.on) === "replace";
}

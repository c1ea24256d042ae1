import type { Found, Known, PropertyRule } from "../harness/resource.js";
import { withoutMeta } from "../harness/resource.js";
import { bag, isObject, type PropertyMap, same } from "../harness/values.js";

/** An object's properties by the SDK's names; `undefined` where AWS does not return the value. */
export type Live = object;

/**
 * The result of a read, as outputs and inputs.
 *
 * A property that was set stays as it was written while it agrees with the object. Otherwise outputs and inputs get the
 * object's value, so that the next run sees the difference. What AWS does not return stays as it was set.
 */
export function found(
  id: string,
  live: Live,
  known: Known,
  rules: Readonly<Record<string, PropertyRule>>,
): Found {
  const has = bag(live);
  const asked = withoutMeta(known.inputs);
  if (Object.keys(asked).length === 0) return { id, outs: has, inputs: importable(has, rules) };
  const outs: PropertyMap = { ...has };
  const inputs: PropertyMap = { ...known.inputs };
  for (const [key, value] of Object.entries(asked)) {
    const is = has[key];
    if (is === undefined) outs[key] = value;
    else if (same(is, value) || rules[key]?.agrees?.(is, value))
      outs[key] = isObject(is) && isObject(value) ? { ...is, ...value } : value;
    else inputs[key] = is;
  }
  return { id, outs, inputs };
}

/** The inputs that would make the object as it is: all values that AWS returns and that are not the default. */
function importable(has: PropertyMap, rules: Readonly<Record<string, PropertyRule>>): PropertyMap {
  return Object.fromEntries(
    Object.entries(has).filter(([key, value]) => {
      const rule = rules[key];
      const empty =
        value === undefined ||
        value === "" ||
        (typeof value === "object" && !Object.keys(value ?? {}).length);
      return rule && !empty && value !== rule.default;
    }),
  );
}

/** Whether an object's block of properties agrees with the input's. AWS sets those that the input does not have. */
export function blockAgrees(has: unknown, wants: unknown): boolean {
  return (
    isObject(has) && isObject(wants) && Object.entries(wants).every(([key, value]) => same(has[key], value))
  );
}

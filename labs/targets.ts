import { closest } from "fastest-levenshtein";
import { ExitCode, UserError } from "../base/errors.js";
import { TARGETS, type Target } from "../components/helpers/naming.js";

/** Targets from `container,guest`. @throws UserError (exit 2) for an unknown one. */
export function parseTargets(list: string): Target[] {
  return list
    .split(",")
    .map((word) => word.trim())
    .filter(Boolean)
    .map(parseTarget);
}

export function parseTarget(word: string): Target {
  const target = TARGETS.find((t) => t === word);
  if (target !== undefined) return target;
  throw new UserError(`there is no target "${word}"`, {
    why: `the targets are: ${TARGETS.join(", ")}`,
    fix: `did you mean "${closest(word, [...TARGETS])}"?`,
    exitCode: ExitCode.usage,
  });
}

import { closest } from "fastest-levenshtein";
import { ExitCode, UserError } from "../base/errors.js";
import { TARGETS, type Target } from "../model/naming.js";

/** Targets from `container,guest`. @throws UserError (exit 2) for an unknown one, and for none. */
export function parseTargets(list: string): Target[] {
  const words = list
    .split(",")
    .map((word) => word.trim())
    .filter(Boolean);
  if (words.length > 0) return words.map(parseTarget);
  throw new UserError("no target is given", {
    why: `the targets are: ${TARGETS.join(", ")}`,
    fix: `give some, with commas: ${TARGETS.join(",")}`,
    exitCode: ExitCode.usage,
  });
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

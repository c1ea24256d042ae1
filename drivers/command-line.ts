import { quoted } from "../base/shell-words.js";

/**
 * The line that a machine's shell gets of what a user wrote behind `--`; the same rule for every target. One word is a
 * line of shell, as ssh takes it: `'ss -ltn | wc -l'`. Several are a program and its arguments, which arrive as they are.
 * Pure.
 */
export const shellLine = (words: readonly string[]): string =>
  words.length === 1 ? (words[0] ?? "") : quoted(words);

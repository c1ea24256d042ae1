import { quoted } from "../base/shell-words.js";

/**
 * The line for a machine's shell from what a user wrote after `--`; the same rule for every target. One word is a line of
 * shell, as with ssh: `'ss -ltn | wc -l'`. Several words are a program and its arguments, passed on unchanged.
 * Pure.
 */
export const shellLine = (words: readonly string[]): string =>
  words.length === 1 ? (words[0] ?? "") : quoted(words);

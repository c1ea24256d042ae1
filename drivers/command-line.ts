/** Words as one line for a POSIX shell, which splits it into the same words again. Pure. */
export const quoted = (words: readonly string[]): string =>
  words
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .join(" ");

/**
 * The line that a machine's shell gets of what a user wrote behind `--`; the same rule for every target. One word is a
 * line of shell, as ssh takes it: `'ss -ltn | wc -l'`. Several are a program and its arguments, which arrive as they are.
 * Pure.
 */
export const shellLine = (words: readonly string[]): string =>
  words.length === 1 ? (words[0] ?? "") : quoted(words);

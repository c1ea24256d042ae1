/** Quotes a word for a POSIX shell. Pure. */
export const shellWord = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

/** Joins words to a line that a POSIX shell splits into the same words. Pure. */
export const quoted = (words: readonly string[]): string => words.map(shellWord).join(" ");

/** A word as a POSIX shell must be given it to read just this word. Pure. */
export const shellWord = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

/** Words as one line for a POSIX shell, which splits it into the same words again. Pure. */
export const quoted = (words: readonly string[]): string => words.map(shellWord).join(" ");

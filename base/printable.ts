/** A terminal's escape sequences: CSI, those that end in BEL or ST (titles, links, …), and the short ones. */
const SEQUENCES =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|\u001b[\]PX^_][^\u0007\u001b\n]*(?:\u0007|\u001b\\)|\u001b[ -/]*[0-~]/g;

/** Control characters but tab and new line, and those that turn the direction of text round. */
const CONTROLS =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/**
 * Makes what a machine says fit for a terminal and for a page: takes out escape sequences and control characters, as the
 * machine's root may write what it likes. Pure.
 */
export const printable = (text: string): string => text.replace(SEQUENCES, "").replace(CONTROLS, "");

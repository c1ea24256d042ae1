/** A terminal's escape sequences: CSI, those that end in BEL or ST (titles, links, …), and the short ones. */
const SEQUENCES =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern looks for them
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|\u001b[\]PX^_][^\u0007\u001b\n]*(?:\u0007|\u001b\\)|\u001b[ -/]*[0-~]/g;

/** Control characters except tab and new line, and those that change the direction of text. */
const CONTROLS =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern looks for them
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/**
 * Makes a machine's output safe for a terminal or a page: removes escape sequences and control characters, because the
 * machine's root may write anything. Pure.
 */
export const printable = (text: string): string => text.replace(SEQUENCES, "").replace(CONTROLS, "");

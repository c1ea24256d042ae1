import { stripVTControlCharacters } from "node:util";
import stringWidth from "string-width";

/** The columns that a text takes on a terminal: colour codes take none, wide characters two. */
export const widthOf = (text: string): number => stringWidth(text);

/**
 * Wraps a line between words so that no piece is wider than `width`; continuation lines are indented like the first,
 * also if it begins with a colour. A longer word is not split. Pure.
 */
export function wrapLine(line: string, width: number): string[] {
  if (widthOf(line) <= width) return [line];
  const indent = /^ */.exec(stripVTControlCharacters(line))?.[0] ?? "";
  const lines: string[] = [];
  let current = "";
  // Words with the spaces before them, because columns consist of spaces.
  for (const [spacedWord, word = ""] of line.matchAll(/ *([^ ]+)/g)) {
    const longer = current + spacedWord;
    if (widthOf(current) > indent.length && widthOf(longer) > width) {
      lines.push(current);
      current = indent + word;
    } else current = longer;
  }
  return [...lines, current];
}

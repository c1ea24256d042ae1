/** Units that a learner may write behind a number, beside the right one: a ratio's "times". */
const TIMES = /^(?:x|×|times)$/i;

/**
 * A number as people write it: `3.5`, `3,5`, `3.5 s`, `4x`, `1.2e3`. Pure.
 *
 * @param unit The unit that may stand behind it; empty: only "times", "x" or "×".
 * @returns the number, or what is wrong with the text, in words.
 */
export function readNumber(text: string, unit: string): number | string {
  const match = /^([+-]?\d+(?:[.,]\d+)?(?:e[+-]?\d+)?)\s*(.*)$/i.exec(text.trim());
  if (match === null) return `"${text}" is not a number: write it in digits, as in 3.5`;
  const [, digits = "", behind = ""] = match;
  if (/^[+-]?[1-9]\d{0,2},\d{3}$/.test(digits))
    return `"${digits}" can be read in two ways: write ${digits.replace(",", "")} or ${digits.replace(",", ".")}`;
  const fits = behind === "" || behind === unit || (unit === "" && TIMES.test(behind));
  if (!fits)
    return unit === ""
      ? `write the number alone, without "${behind}"`
      : `write the number in ${unit}, without "${behind}"`;
  return Number(digits.replace(",", "."));
}

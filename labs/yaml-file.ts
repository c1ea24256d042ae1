import { isNode, LineCounter, parseDocument } from "yaml";
import { messageOf } from "../base/errors.js";

/** The data in a YAML text, and where a key stands: `line 7: `. */
export interface ParsedYaml {
  data: unknown;
  lineOf: (path: readonly PropertyKey[]) => string;
}

/**
 * Parses a YAML text. Pure.
 *
 * @param invalid Makes the error for invalid YAML, and for aliases that don't resolve.
 */
export function parseYaml(text: string, invalid: (problems: string[]) => Error): ParsedYaml {
  const lines = new LineCounter();
  const document = documentIn(text, lines, invalid);
  const problems = document.errors.map(
    (e) => `line ${lines.linePos(e.pos[0]).line}: ${e.message.split("\n")[0]}`,
  );
  if (problems.length > 0) throw invalid(problems);
  return {
    data: orInvalid(() => document.toJS(), invalid),
    lineOf: (path) => {
      // A key that is missing has no line: then that of the block which lacks it.
      for (let length = path.length; length > 0; length--) {
        const node = document.getIn(path.slice(0, length), true);
        if (isNode(node) && node.range) return `line ${lines.linePos(node.range[0]).line}: `;
      }
      return "";
    },
  };
}

const documentIn = (text: string, lineCounter: LineCounter, invalid: (problems: string[]) => Error) =>
  orInvalid(() => parseDocument(text, { lineCounter, uniqueKeys: true }), invalid);

/** ReferenceError: an undefined alias, or aliases that multiply; RangeError: nested too deeply. */
function orInvalid<T>(read: () => T, invalid: (problems: string[]) => Error): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof ReferenceError || error instanceof RangeError) throw invalid([messageOf(error)]);
    throw error;
  }
}

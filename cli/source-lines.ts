import { readFileSync } from "node:fs";
import { SourceMap } from "node:module";
import { fileURLToPath } from "node:url";

/** A place in the bundle, as a stack names it. */
const PLACE = /(file:\/\/\S+\/dist\/bundle\/[^\s:]+\.js):(\d+):(\d+)/g;

/** Names the lines of the sources where a stack names those of the bundle. A place without a source map stays as it is. */
export const sourceLines = (stack: string): string =>
  stack.replace(PLACE, (place, url: string, line: string, column: string) => {
    try {
      const map = new SourceMap(JSON.parse(readFileSync(`${fileURLToPath(url)}.map`, "utf8")));
      const entry = map.findEntry(Number(line) - 1, Number(column) - 1);
      if (!("originalSource" in entry)) return place;
      const source = new URL(entry.originalSource, url).href;
      return `${source}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
    } catch {
      return place; // The original error matters more.
    }
  });

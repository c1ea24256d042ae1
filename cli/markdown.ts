import { lexer, type Token, type Tokens } from "marked";
import { wrapLine } from "../base/wrap.js";
import type { Style } from "./context.js";

/** The longest line of running text. */
const WIDTH = 80;

/** One part of a text: what stands under a heading of the second level, or before the first. */
export interface Section {
  title: string;
  tokens: Token[];
}

/** Divides Markdown at its headings of the second level. Pure. */
export function sectionsOf(markdown: string): Section[] {
  const sections: Section[] = [];
  for (const token of lexer(markdown)) {
    const { depth, text, type } = token as Tokens.Heading;
    if (type === "heading" && depth <= 2) sections.push({ title: text, tokens: [] });
    else if (token.type !== "space" && sections.length === 0) sections.push({ title: "", tokens: [token] });
    else sections.at(-1)?.tokens.push(token);
  }
  return sections;
}

/** The code blocks of a text, in order. Pure. */
export const codeBlocks = (markdown: string): string[] =>
  lexer(markdown)
    .filter((token) => token.type === "code")
    .map((token) => (token as Tokens.Code).text);

/** A section as lines for a terminal: running text is wrapped, code is not, so that it can be copied. */
export function sectionLines({ title, tokens }: Section, style: Style): string[] {
  const lines = title === "" ? [] : [style.bold(title), ""];
  for (const token of tokens) lines.push(...blockLines(token, style, ""));
  while (lines.at(-1) === "") lines.pop();
  return lines;
}

function blockLines(token: Token, style: Style, indent: string): string[] {
  const wrapped = (text: string, first = indent, rest = indent): string[] =>
    wrapLine(rest + text, WIDTH).map((line, i) => (i === 0 ? first + line.slice(rest.length) : line));
  switch (token.type) {
    case "heading":
      return [indent + style.bold(inline((token as Tokens.Heading).tokens, style)), ""];
    case "paragraph":
      return [...wrapped(inline((token as Tokens.Paragraph).tokens, style)), ""];
    case "text":
      return wrapped(inline((token as Tokens.Text).tokens ?? [token], style));
    case "code":
      return [...(token as Tokens.Code).text.split("\n").map((line) => `${indent}    ${line}`), ""];
    case "blockquote":
      return (token as Tokens.Blockquote).tokens.flatMap((inner) => blockLines(inner, style, `${indent}  `));
    case "list": {
      const { items, ordered, start } = token as Tokens.List;
      const lines = items.flatMap((item, i) => {
        const mark = ordered ? `${Number(start || 1) + i}. ` : "- ";
        const pad = indent + " ".repeat(mark.length);
        const inner = item.tokens.flatMap((each) => blockLines(each, style, pad));
        return inner.map((line, j) => (j === 0 ? indent + mark + line.slice(pad.length) : line));
      });
      return [...lines.filter((line, i) => line !== "" || lines[i + 1] !== ""), ""];
    }
    case "space":
    case "html":
      return [];
    default:
      return [
        ...token.raw
          .trimEnd()
          .split("\n")
          .map((line) => indent + line),
        "",
      ];
  }
}

const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" };

function inline(tokens: readonly Token[], style: Style): string {
  return tokens
    .map((token) => {
      if (token.type === "codespan") return style.bold((token as Tokens.Codespan).text);
      if (token.type === "strong" || token.type === "em")
        return style.bold(inline((token as Tokens.Strong).tokens, style));
      if (token.type === "link") {
        const { href, tokens: inner } = token as Tokens.Link;
        const words = inline(inner, style);
        return words === href ? words : `${words} (${href})`;
      }
      if (token.type === "br") return " ";
      const { text = token.raw, tokens: inner } = token as Tokens.Text;
      return inner ? inline(inner, style) : text.replace(/\n/g, " ");
    })
    .join("")
    .replace(/&(amp|lt|gt|quot|#39);/g, (_, name: string) => ENTITIES[name] ?? "");
}

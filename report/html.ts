import { escapeXml } from "../base/escape-xml.js";

/** Markup that goes into a page unchanged. Everything else is escaped. */
export class Html {
  constructor(readonly markup: string) {}
}

type Part = Html | string | number | undefined | false | readonly Part[];

/** Escapes text for elements and quoted attributes. Control characters, which HTML forbids, become `�`. */
const escapeHtml = (text: string): string =>
  escapeXml(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern looks for them
    text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g, "\ufffd"),
  ).replace(/'/g, "&#39;");

const render = (part: Part): string => {
  if (part === undefined || part === false) return "";
  if (part instanceof Html) return part.markup;
  if (typeof part === "string" || typeof part === "number") return escapeHtml(String(part));
  return part.map(render).join("");
};

/** A template of markup. Its values are escaped, unless they are markup themselves; lists are joined. */
export function html(strings: TemplateStringsArray, ...values: readonly Part[]): Html {
  return new Html(strings.map((text, i) => text + render(values[i])).join(""));
}

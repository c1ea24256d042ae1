import { XMLParser } from "fast-xml-parser";

/** An element of libvirt's XML: its attributes, its text, and its children by name. */
export interface Element {
  /** Attributes by name. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly text: string;
  /** Every child of this name, in order. */
  all(name: string): Element[];
  /** The first element at this path of names; `undefined` when there is none. */
  find(...path: string[]): Element | undefined;
}

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: "@",
  parseTagValue: false,
  parseAttributeValue: false,
  alwaysCreateTextNode: true,
  // The prefix of a namespace may be anything.
  removeNSPrefix: true,
});

/** The root element of an XML document. @throws Error when the text is not XML. */
export function parseXml(xml: string): Element {
  const document = parser.parse(xml) as Record<string, unknown>;
  const root = Object.entries(document).find(([name]) => !name.startsWith("?") && name !== "#text");
  if (root === undefined) throw new Error(`this is no XML document: ${xml.slice(0, 80)}`);
  return element(root[1]);
}

function element(raw: unknown): Element {
  const node = (typeof raw === "object" && raw !== null ? raw : { "#text": String(raw ?? "") }) as Record<
    string,
    unknown
  >;
  const all = (name: string): Element[] => {
    const child = node[name];
    if (child === undefined) return [];
    return (Array.isArray(child) ? child : [child]).map(element);
  };
  return {
    attributes: Object.fromEntries(
      Object.entries(node).flatMap(([key, value]) =>
        key.startsWith("@") ? [[key.slice(1), String(value)] as const] : [],
      ),
    ),
    text: String(node["#text"] ?? ""),
    all,
    find: (...path) => {
      const [first, ...others] = path;
      if (first === undefined) return element(raw);
      const [child] = all(first);
      return others.length === 0 ? child : child?.find(...others);
    },
  };
}

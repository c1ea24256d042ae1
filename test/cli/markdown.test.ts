import { describe, expect, it } from "vitest";
import { codeBlocks, sectionLines, sectionsOf } from "../../cli/markdown.js";

const plain = (text: string) => text;
const style = { bold: plain, dim: plain, good: plain, bad: plain, warn: plain };
const lines = (markdown: string) => sectionsOf(markdown).flatMap((section) => sectionLines(section, style));

describe("a guide on the terminal", () => {
  it("is divided at its headings", () => {
    const sections = sectionsOf("# Title\n\nIntro.\n\n## 1. One\n\ntext\n\n### deeper\n\n## 2. Two\n\nend\n");
    expect(sections.map(({ title }) => title)).toEqual(["Title", "1. One", "2. Two"]);
  });

  it("wraps running text, and never code", () => {
    const long = `echo ${"x ".repeat(60)}`.trim();
    const shown = lines(`# T\n\n${"word ".repeat(40)}\n\n    ${long}\n`);
    expect(shown).toContain(`    ${long}`);
    expect(shown.filter((line) => line.startsWith("word")).every((line) => line.length <= 80)).toBe(true);
  });

  it("keeps what is written in words: lists, code, links, entities", () => {
    expect(
      lines(
        "Use `a < b` & *stress*; see [docs](https://example.org).\n\n1. first `x`\n2. second\n   more\n\n- one\n- two\n\n> said\n",
      ),
    ).toEqual([
      "Use a < b & stress; see docs (https://example.org).",
      "",
      "1. first x",
      "2. second more",
      "",
      "- one",
      "- two",
      "",
      "  said",
    ]);
  });

  it("lists its code blocks as they are", () => {
    expect(codeBlocks("a\n\n    one\n    two\n\n```sh\nthree\n```\n")).toEqual(["one\ntwo", "three"]);
  });
});

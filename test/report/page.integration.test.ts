import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makePage } from "../../report/page.js";
import { openBrowser } from "../support/browser.js";
import { syntheticRun } from "./fixture.js";

let browser: Browser;
let dir: string;
const run = syntheticRun();
const CGROUP = `0::/docker/${"3b61cb61".repeat(8)}`;
run.probes
  .find((p) => p.id === "isolation")
  ?.facts.push({ title: "its cgroup", values: { container: CGROUP, guest: "0::/user.slice" }, note: "" });
run.probes
  .find((p) => p.id === "disk")
  ?.facts.push({ title: "what is counted", values: { container: "its layer" }, note: "of one target only" });

beforeAll(async () => {
  browser = await openBrowser();
  dir = await mkdtemp(join(tmpdir(), "trilab-page-"));
  await writeFile(join(dir, "one.html"), await makePage([run]));
  await writeFile(
    join(dir, "two.html"),
    await makePage([run, syntheticRun({ seed: 2, seat: "bob", emulated: false, quick: true })]),
  );
});

afterAll(async () => {
  await browser?.close();
  if (dir) await rm(dir, { recursive: true, force: true });
});

/** Opens a page, does something with it, and proves that it said nothing and asked for nothing. */
async function see(name: string, options: BrowserContextOptions, look: (page: Page) => Promise<void>) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const [said, asked]: [string[], string[]] = [[], []];
  page.on("console", (message) => said.push(message.text()));
  page.on("pageerror", (error) => said.push(String(error)));
  page.on("request", (request) => asked.push(request.url()));
  const url = pathToFileURL(join(dir, `${name}.html`)).href;
  await page.goto(url, { waitUntil: "load" });
  await look(page);
  expect(said).toEqual([]);
  expect(asked).toEqual([url]);
  await context.close();
}

const overflow = (page: Page): Promise<number> =>
  page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");

/** WCAG 2 contrast of a text's colour with the page's. */
const contrasts = (page: Page): Promise<[string, number][]> =>
  page.evaluate(`(() => {
    const light = (colour) => {
      const [r, g, b] = colour.match(/[\\d.]+/g).map(Number).map((c) => c / 255)
        .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
      return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = (element) => {
      for (let e = element; e; e = e.parentElement) {
        const colour = getComputedStyle(e).backgroundColor;
        if (colour !== "rgba(0, 0, 0, 0)") return colour;
      }
      return "rgb(255, 255, 255)";
    };
    const found = new Map();
    for (const e of document.querySelectorAll("p, li, th, td, h1 span, h2, h3, small, code, cite, text, dt, dd")) {
      const style = getComputedStyle(e);
      const [a, b] = [light(e.tagName === "text" ? style.fill : style.color), light(behind(e))].sort((x, y) => y - x);
      found.set(e.tagName + " " + (e.getAttribute("class") ?? "") + " " + (e.getAttribute("fill") ?? ""), (a + 0.05) / (b + 0.05));
    }
    return [...found];
  })()`);

const WIDE = { viewport: { width: 1280, height: 900 } };
const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };

describe("the page in a browser", () => {
  it("has a plot for each probe with figures, with its words", () =>
    see("one", WIDE, async (page) => {
      for (const probe of run.probes.filter((p) => p.series.length > 0)) {
        const plot = page.locator(`#probe-${probe.id} figure svg`).first();
        expect(await plot.isVisible(), probe.id).toBe(true);
        expect(await plot.getAttribute("aria-label")).toContain(probe.series[0]?.title ?? "");
        const texts = await plot.locator("text").allTextContents();
        expect(texts).toContain("container");
        expect(texts.some((t) => /^guest( \*)?$/.test(t))).toBe(true);
        expect(texts.some((t) => /^n = \d+/.test(t))).toBe(true);
        expect(await plot.locator("circle").count()).toBeGreaterThan(0);
      }
      const start = await page.locator("#probe-start svg").first().textContent();
      expect(start).toContain("published: 6× the container · arXiv 2110.11462 (secondary)");
      expect(await page.locator("#probe-isolation tbody tr").count()).toBe(6);
      expect(await page.locator(".parity tbody tr").count()).toBeGreaterThan(5);
    }));

  it("draws every sample, hollow where it is not representative", () =>
    see("one", WIDE, async (page) => {
      const syscall = run.probes.find((p) => p.id === "syscall");
      const count = (target: string): number =>
        syscall?.series.filter((s) => s.target === target).reduce((n, s) => n + s.samples.length, 0) ?? 0;
      const dots = page.locator("#probe-syscall svg circle");
      expect(await dots.count()).toBe(count("container") + count("guest"));
      expect(await page.locator("#probe-syscall svg circle.dot.container").count()).toBe(count("container"));
      expect(await page.locator("#probe-syscall svg circle.ring.guest").count()).toBe(count("guest"));
      expect(await page.locator("#probe-syscall .note").textContent()).toContain("emulated, without KVM");
    }));

  it.each(["light", "dark"] as const)("can be read in the %s scheme, plots too", (colorScheme) =>
    see("one", { ...WIDE, colorScheme }, async (page) => {
      const background = await page.evaluate("getComputedStyle(document.documentElement).backgroundColor");
      expect(background).toBe(colorScheme === "light" ? "rgb(252, 251, 248)" : "rgb(21, 24, 27)");
      const all = await contrasts(page);
      expect(all.length).toBeGreaterThan(10);
      expect(all.filter(([, contrast]) => contrast < 4.5)).toEqual([]);
    }),
  );

  it.each(["one", "two"])("fits a phone without scrolling sideways (%s)", (name) =>
    see(name, PHONE, async (page) => {
      expect(await overflow(page)).toBe(0);
      for (const fold of await page.locator("details summary").all()) await fold.click();
      expect(await overflow(page)).toBe(0);
      const size = await page.evaluate(
        `Math.min(...[...document.querySelectorAll("figure svg text")].map((t) => t.getBoundingClientRect().height))`,
      );
      expect(size).toBeGreaterThan(9);
    }),
  );

  // A container's cgroup is a path of 80 characters without a break.
  it.each([
    ["a wide window", WIDE, "screen"],
    ["a phone", PHONE, "screen"],
    ["paper", { viewport: { width: 690, height: 980 } }, "print"],
  ] as const)("shows every target's column of its tables on %s", (_where, options, media) =>
    see("one", options, async (page) => {
      await page.emulateMedia({ media });
      const hidden =
        await page.evaluate(`[...document.querySelectorAll(".facts, .parity")].flatMap((table) => {
        const frame = table.closest(".scroll").getBoundingClientRect();
        return [...table.querySelectorAll("td, thead th[class]")].flatMap((cell) => {
          const box = cell.getBoundingClientRect();
          const range = document.createRange();
          range.selectNodeContents(cell);
          const text = range.getBoundingClientRect();
          const seen = box.width > 40 && box.left >= frame.left - 1 && text.right <= Math.min(box.right, frame.right) + 1;
          return seen ? [] : [table.className + ": " + cell.textContent];
        });
      })`);
      expect(hidden).toEqual([]);
      expect(await page.locator("#probe-isolation .facts").textContent()).toContain(CGROUP);
    }),
  );

  it.each([
    ["a wide window", WIDE],
    ["a phone", PHONE],
  ] as const)("shows each claim's verdict beside or above its parts on %s", (_where, options) =>
    see("one", options, async (page) => {
      const covered = await page.evaluate(`[...document.querySelectorAll(".claims > li")].flatMap((claim) => {
        const [verdict, text] = [...claim.children].map((e) => e.getBoundingClientRect());
        return verdict.width > 40 && (verdict.right <= text.left || verdict.bottom <= text.top + 1) ? [] : [claim.textContent];
      })`);
      expect(covered).toEqual([]);
      expect(await page.locator(".claims > li").count()).toBeGreaterThan(20);
      expect(await page.locator("section:has(> #work)").textContent()).toContain("claims");
    }),
  );

  it("no word of a plot is cut off or lies on another", () =>
    see("two", WIDE, async (page) => {
      const wrong = await page.evaluate(`[...document.querySelectorAll("figure svg")].flatMap((svg) => {
        const frame = svg.getBoundingClientRect();
        const texts = [...svg.querySelectorAll("text")].map((t) => ({ text: t.textContent, box: t.getBoundingClientRect() }));
        const out = texts.filter(({ box }) => box.left < frame.left - 1 || box.right > frame.right + 1 || box.bottom > frame.bottom + 1);
        const over = texts.flatMap((a, i) => texts.slice(i + 1).filter((b) =>
          a.box.left < b.box.right - 1 && b.box.left < a.box.right - 1 && a.box.top < b.box.bottom - 4 && b.box.top < a.box.bottom - 4,
        ).map((b) => a.text + " / " + b.text));
        return [...out.map((o) => "cut: " + o.text), ...over];
      })`);
      expect(wrong).toEqual([]);
    }));

  it("opens its raw table, and lays several runs over each other", () =>
    see("two", WIDE, async (page) => {
      const raw = page.locator("section:has(#raw) details").first();
      expect(await raw.locator("table").isVisible()).toBe(false);
      await raw.locator("summary").click();
      expect(await raw.locator("table").isVisible()).toBe(true);
      const texts = await page.locator("#probe-stop svg text").allTextContents();
      expect(texts).toEqual(expect.arrayContaining(["container A", "container B", "guest A", "guest B"]));
      expect(await page.locator(".marks").allTextContents()).toEqual([
        "guest emulated, no KVM",
        "quick run: a demonstration",
      ]);
    }));

  it("prints on paper, in ink, from the dark scheme too", () =>
    see("one", { ...WIDE, colorScheme: "dark" }, async (page) => {
      await page.emulateMedia({ media: "print" });
      expect(await page.evaluate("getComputedStyle(document.documentElement).backgroundColor")).toBe(
        "rgb(255, 255, 255)",
      );
      expect(await page.locator("#probe-start svg").first().isVisible()).toBe(true);
      expect(await page.locator("#raw").isVisible()).toBe(false);
      const pdf = await page.pdf({ format: "A4" });
      const pages = pdf.toString("latin1").match(/\/Type\s*\/Page\b/g)?.length ?? 0;
      expect(pages).toBeGreaterThan(2);
      expect(pages).toBeLessThan(12);
    }));
});

#!/usr/bin/env node
import { readFileSync, statSync } from "node:fs";

/** All of trilab in few files, made by rolldown.config.js: it starts in half the time. */
const bundle = (file: string): URL => new URL(`../bundle/${file}`, import.meta.url);

/** Whether it was made of what is compiled. */
function isCurrent(): boolean {
  try {
    const compiled = statSync(new URL("../.tsbuildinfo", import.meta.url));
    return readFileSync(bundle("of"), "utf8") === String(compiled.mtimeMs);
  } catch {
    return false; // There is none.
  }
}

await import(isCurrent() ? bundle("start.js").href : "./start.js");

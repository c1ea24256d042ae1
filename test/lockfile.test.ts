import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { repoDir } from "../base/paths.js";

interface Entry {
  resolved?: string;
  optionalDependencies?: Record<string, string>;
}

/** `npm ci` refuses a lock that lacks a package for somebody else's platform; a registry that lacks it makes such locks. */
it("the lock file is complete for every platform and names no registry", async () => {
  const lock = JSON.parse(await readFile(join(repoDir, "package-lock.json"), "utf8")) as {
    packages: Record<string, Entry>;
  };
  const missing = Object.entries(lock.packages).flatMap(([path, entry]) =>
    Object.keys(entry.optionalDependencies ?? {}).filter(
      (name) =>
        !(`node_modules/${name}` in lock.packages) && !(`${path}/node_modules/${name}` in lock.packages),
    ),
  );
  expect(missing).toEqual([]);
  expect(Object.values(lock.packages).filter((entry) => entry.resolved?.includes("://"))).toEqual([]);
});

import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ExitCode } from "../../base/errors.js";
import { asRoot } from "../../base/privilege.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "trilab-sudo-"));
  vi.stubEnv("PATH", `${folder}${delimiter}${process.env.PATH}`);
  vi.spyOn(process, "getuid").mockReturnValue(1000);
  // A sudo that knows no password: what it is asked for is its output.
  await writeFile(
    join(folder, "sudo"),
    '#!/bin/sh\n[ "$1" = -n ] && echo "a password is required" && exit 1\necho "$*"\n',
  );
  await chmod(join(folder, "sudo"), 0o755);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  await rm(folder, { recursive: true });
});

test("another user's commands go through sudo, with their variables", async () => {
  expect(await asRoot("apt-get", ["update"], { env: { A: "b" } })).toBe("env A=b apt-get update");
});

test("what may not ask for a password fails where one is needed", async () => {
  await expect(asRoot("rm", ["-f", "x"], { ask: false })).rejects.toMatchObject({
    exitCode: ExitCode.hostNotReady,
    why: "a password is required",
  });
});

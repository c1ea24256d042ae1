import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ContainerEnvironment } from "../../../drivers/docker/container-environment.js";
import { LOCAL } from "../../../model/endpoint.js";

let folder: string;
const container = new ContainerEnvironment("machine", "lab", LOCAL.docker);

/** Stands in for a command: a shell script of that name, found first. */
const standIn = async (name: string, script: string): Promise<void> => {
  await writeFile(join(folder, "bin", name), `#!/bin/sh\n${script}\n`);
  await chmod(join(folder, "bin", name), 0o755);
};

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "trilab-copy-"));
  await mkdir(join(folder, "bin"));
  await mkdir(join(folder, "from"));
  vi.stubEnv("PATH", `${join(folder, "bin")}${delimiter}${process.env.PATH}`);
  // Takes whatever it is sent, as the container's tar does of an archive that ends well.
  await standIn("docker", 'case "$*" in *" stat "*) echo none ;; *) cat >/dev/null ;; esac');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

test("a folder is copied", async () => {
  await writeFile(join(folder, "from", "a"), "a");
  await expect(container.copy("in", join(folder, "from"), "/to")).resolves.toBeUndefined();
});

test("a folder that can't be read whole is no success, and says what was left out", async () => {
  await standIn("tar", 'echo "tar: ./secret: Cannot open: Permission denied" >&2; exit 2');
  await expect(container.copy("in", join(folder, "from"), "/to")).rejects.toMatchObject({
    name: "UserError",
    why: expect.stringContaining("./secret"),
  });
});

test("more complaints than a pipe holds don't block the copy", async () => {
  await standIn("tar", "head -c 300000 /dev/zero | tr '\\0' x >&2; exit 2");
  await expect(container.copy("in", join(folder, "from"), "/to")).rejects.toThrow(/can't copy .* whole/);
});

test("a container that takes nothing ends the copy, however large the folder", async () => {
  await standIn("tar", "exec cat /dev/zero");
  await standIn(
    "docker",
    'case "$*" in *" stat "*) echo none ;; *) echo "no space left on device" >&2; exit 1 ;; esac',
  );
  await expect(container.copy("in", join(folder, "from"), "/to")).rejects.toMatchObject({
    why: "no space left on device",
  });
});

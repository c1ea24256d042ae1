import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { stateDir } from "../../base/paths.js";
import { writeHostRecord } from "../../seats/ensure-host.js";
import { pruneHost } from "../../seats/prune-host.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "trilab-prune-"));
  vi.stubEnv("XDG_STATE_HOME", join(folder, "state"));
  vi.stubEnv("XDG_CACHE_HOME", join(folder, "cache"));
  vi.stubEnv("TRILAB_DOCKER_HOST", `unix://${folder}/no.sock`);
  vi.stubEnv("PATH", `${folder}${delimiter}${process.env.PATH}`);
  const script = '#!/bin/sh\necho "error: failed to connect to the hypervisor" >&2\nexit 1\n';
  await writeFile(join(folder, "virsh"), script);
  await chmod(join(folder, "virsh"), 0o755);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

test.each([
  [true, 1],
  [false, 0],
])("a libvirt that is down keeps nobody from pruning (used before: %s)", async (libvirt, notes) => {
  expect(stateDir().startsWith(folder)).toBe(true);
  await writeHostRecord({ images: [], docker: true, libvirt });
  const note = vi.fn();
  expect(await pruneHost({ update: () => {}, note })).toEqual([]);
  expect(note).toHaveBeenCalledTimes(notes);
});

import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { stateDir } from "../../base/paths.js";
import { LOCAL } from "../../model/endpoint.js";
import { pruneHost } from "../../seats/prune-host.js";
import { driversAt } from "../../seats/seat-drivers.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "trilab-prune-"));
  vi.stubEnv("XDG_STATE_HOME", join(folder, "state"));
  vi.stubEnv("XDG_CACHE_HOME", join(folder, "cache"));
  vi.stubEnv("PATH", `${folder}${delimiter}${process.env.PATH}`);
  const script = '#!/bin/sh\necho "error: failed to connect to the hypervisor" >&2\nexit 1\n';
  await writeFile(join(folder, "virsh"), script);
  await chmod(join(folder, "virsh"), 0o755);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

test("daemons that are down keep nobody from pruning, and are named", async () => {
  expect(stateDir().startsWith(folder)).toBe(true);
  const note = vi.fn();
  const drivers = driversAt([{ kind: "docker", host: `unix://${folder}/no.sock` }, LOCAL.libvirt]);
  expect(await pruneHost(drivers, { update: () => {}, note })).toEqual([]);
  expect(note.mock.calls.flat()).toEqual([
    expect.stringMatching(/^libvirt does not answer/),
    expect.stringMatching(/^Docker at unix:.* does not answer/),
  ]);
});

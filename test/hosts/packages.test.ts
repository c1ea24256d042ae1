import { afterEach, expect, test, vi } from "vitest";
import { missingTools } from "../../hosts/packages.js";
import type * as privilege from "../../hosts/privilege.js";

vi.mock("../../hosts/privilege.js", async (original) => ({
  ...(await original<typeof privilege>()),
  which: () => undefined,
}));
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

test.each([
  [0, false],
  [1000, true],
])("user %d builds images with newuidmap: %s", async (uid, needed) => {
  vi.spyOn(process, "getuid").mockReturnValue(uid);
  vi.stubEnv("TRILAB_DOCKER_HOST", "unix:///nowhere.sock");
  const { commands, packages } = await missingTools({ docker: true, libvirt: false });
  expect(commands.includes("newuidmap")).toBe(needed);
  expect(packages.includes("uidmap")).toBe(needed);
  expect(commands).toContain("mmdebstrap");
});

test("what is only rented needs SSH, and neither a daemon nor what builds images", async () => {
  const { commands } = await missingTools({ docker: false, libvirt: false, aws: ["eu-central-1"] });
  expect(commands).toEqual(["flock", "ip", "ssh", "scp"]);
});

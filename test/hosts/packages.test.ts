import { afterEach, expect, test, vi } from "vitest";
import type * as privilege from "../../base/privilege.js";
import { connect } from "../../drivers/drivers.js";
import { missingTools } from "../../hosts/packages.js";

vi.mock("../../base/privilege.js", async (original) => ({
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
  const { commands, packages } = await missingTools({
    docker: connect({ kind: "docker", host: "unix:///nowhere.sock" }),
  });
  expect(commands.includes("newuidmap")).toBe(needed);
  expect(packages.includes("uidmap")).toBe(needed);
  expect(commands).toContain("mmdebstrap");
});

test("what is only rented needs SSH, and neither a daemon nor what builds images", async () => {
  const { commands } = await missingTools({ ec2: [connect({ kind: "ec2", region: "eu-central-1" })] });
  expect(commands).toEqual(["flock", "ip", "ssh", "scp"]);
});

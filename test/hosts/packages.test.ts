import { afterEach, expect, test, vi } from "vitest";
import { missingTools } from "../../hosts/packages.js";
import type * as privilege from "../../hosts/privilege.js";

vi.mock("../../hosts/privilege.js", async (original) => ({
  ...(await original<typeof privilege>()),
  which: () => undefined,
}));
afterEach(() => vi.restoreAllMocks());

test.each([
  [0, false],
  [1000, true],
])("user %d builds images with newuidmap: %s", async (uid, needed) => {
  vi.spyOn(process, "getuid").mockReturnValue(uid);
  const { commands, packages } = await missingTools({ docker: false, libvirt: false });
  expect(commands.includes("newuidmap")).toBe(needed);
  expect(packages.includes("uidmap")).toBe(needed);
  expect(commands).toContain("mmdebstrap");
});

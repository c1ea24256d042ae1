import { expect, it, vi } from "vitest";
import { hostProgram } from "../../stacks/host.js";

const { made } = vi.hoisted(() => ({ made: [] as { type: string; name: string; opts?: object }[] }));
vi.mock("@pulumi/libvirt", () => {
  const noting = (type: string) =>
    class {
      constructor(name: string, _inputs: object, opts: object) {
        made.push({ type, name, opts });
      }
    };
  return { Pool: noting("pool"), Volume: noting("volume") };
});

it("the engine never removes an image: seats' disks may be based on it", async () => {
  const files = { disk: "/i/disk", kernel: "/i/kernel", initrd: "/i/initrd", manifest: "/i/manifest" };
  await hostProgram({ pools: [{ name: "images", path: "/p" }], volumes: [{ hash: "0123", ...files }] })();
  const volumes = made.filter(({ type }) => type === "volume");
  expect(volumes.map(({ name }) => name)).toEqual(Object.keys(files).map((part) => `${part}-0123`));
  for (const { opts } of volumes) expect(opts).toMatchObject({ retainOnDelete: true });
});

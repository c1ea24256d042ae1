import { expect, it } from "vitest";
import { limited, type ServiceSpec } from "../../../../drivers/docker/swarm/service-limits.js";

const wanted = { cpus: 1, memory: 2 ** 29, disk: 2 ** 32 };
const made: ServiceSpec = {
  Name: "box",
  Mode: { Replicated: { Replicas: 0 } },
  TaskTemplate: {
    ContainerSpec: { Image: "sha256:abc", Hostname: "box" },
    Resources: { Limits: { MemoryBytes: 2 ** 28, NanoCPUs: 5e8 } },
    ForceUpdate: 3,
  },
};

it("adds the limits without an input of the provider, and the one container; keeps the rest", () => {
  expect(limited(made, wanted, "1.41")).toEqual({
    Name: "box",
    Mode: { Replicated: { Replicas: 1 } },
    TaskTemplate: {
      ContainerSpec: {
        Image: "sha256:abc",
        Hostname: "box",
        Ulimits: [{ Name: "fsize", Soft: 2 ** 32, Hard: 2 ** 32 }],
      },
      Resources: { Limits: { MemoryBytes: 2 ** 28, NanoCPUs: 5e8, Pids: 256 } },
      ForceUpdate: 3,
    },
  });
});

it("changes nothing a second time, because each change makes the container anew", () => {
  const once = limited(made, wanted, "1.41");
  if (once === undefined) throw new Error("it had no limits");
  expect(limited(once, { ...wanted, memory: 2 ** 30 }, "1.41")).toBeUndefined();
});

it("forbids new privileges where the manager knows how", () => {
  const privileges = (api: string) => {
    const spec = limited(made, wanted, api);
    return spec?.TaskTemplate?.ContainerSpec?.Privileges;
  };
  expect(privileges("1.43")).toBeUndefined();
  expect(privileges("1.44")).toEqual({ NoNewPrivileges: true });
});

import type Docker from "dockerode";
import { expect, it } from "vitest";
import { unfilteredCalls } from "../../../drivers/docker/syscall-filter.js";

const now = Date.now() / 1000;

/** A daemon, and the containers it has. The program inside ends with this exit code; absent: the command is killed meanwhile. */
function daemon(exitCode?: number, images: object[] = [{ Id: "i", Labels: {} }]) {
  const there = new Map<string, { Created: number; Labels: Record<string, string> }>();
  const killed = new Error("killed");
  const client = {
    listImages: async ({ filters }: { filters: { label: string[] } }) =>
      filters.label.includes("trilab.image") ? images : [],
    listContainers: async ({ all, filters }: { all: boolean; filters: { label: string[] } }) =>
      [...there]
        .filter(([, { Labels }]) => all && filters.label.every((key) => key in Labels))
        .map(([Id, { Created }]) => ({ Id, Created })),
    getContainer: (id: string) => ({
      start: async () => {},
      wait: async () => {
        if (exitCode === undefined) throw killed;
        return { StatusCode: exitCode };
      },
      remove: async () => {
        // A killed command does not come to it.
        if (exitCode !== undefined) there.delete(id);
      },
    }),
    createContainer: async ({ Labels = {} }: Docker.ContainerCreateOptions) => {
      there.set(`made-${there.size}`, { Created: now, Labels });
      return client.getContainer(`made-${there.size - 1}`);
    },
  };
  return { there, client: client as unknown as Docker };
}

it.each([
  [64, []],
  [65, ["io_uring"]],
  [67, ["io_uring", "AF_VSOCK"]],
])("a program that ends with %i found %j; nothing of it is left", async (exitCode, expected) => {
  const { client, there } = daemon(exitCode);
  expect(await unfilteredCalls(client)).toEqual(expected);
  expect([...there.keys()]).toEqual([]);
});

it("what a killed command left behind is removed by a later one; what another command tries now stays", async () => {
  const { client, there } = daemon();
  await expect(unfilteredCalls(client)).rejects.toThrow("killed");
  const [[id, left] = ["", undefined]] = [...there];
  expect(left).toBeDefined();
  const later = daemon(64);
  later.there.set(`old-${id}`, { Created: now - 7200, Labels: left?.Labels ?? {} });
  later.there.set(`new-${id}`, { Created: now - 60, Labels: left?.Labels ?? {} });
  later.there.set("a seat's", { Created: now - 7200, Labels: { "trilab.seat": "alice" } });
  expect(await unfilteredCalls(later.client)).toEqual([]);
  expect([...later.there.keys()]).toEqual([`new-${id}`, "a seat's"]);
});

it("it is removed also where there is no image left to try it with", async () => {
  const { client, there } = daemon(64, []);
  there.set("old", { Created: now - 7200, Labels: { "trilab-tries-syscalls": "" } });
  expect(await unfilteredCalls(client)).toBeUndefined();
  expect([...there.keys()]).toEqual([]);
});

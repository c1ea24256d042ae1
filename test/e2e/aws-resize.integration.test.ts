import { readFile } from "node:fs/promises";
import { DescribeInstancesCommand, type Instance } from "@aws-sdk/client-ec2";
import { describe, expect, test } from "vitest";
import { changesOf, LAB, ofSeat, openAws, upArgs } from "./aws-support.js";
import { expectDone, expectError, openHome, until } from "./support.js";

const home = openHome();
const aws = openAws(home);
const seat = `t${process.pid}z`;

const resizeArgs = (...args: string[]): string[] => ["resize", "vps", "--seat", seat, ...args];
const resize = (...args: string[]) => aws.trilab(...resizeArgs(...args));
const record = async () => JSON.parse(await readFile(home.record(LAB, seat), "utf8"));
const instance = async (): Promise<Instance | undefined> => {
  const { Reservations } = await aws.client.send(new DescribeInstancesCommand({ Filters: ofSeat(seat) }));
  return Reservations?.[0]?.Instances?.[0];
};
const rented = async () => {
  const { InstanceId, InstanceType, State } = (await instance()) ?? {};
  return { InstanceId, InstanceType, state: State?.Name };
};

describe("a rented machine that is resized", () => {
  let id: string | undefined;

  test("is not stopped when it does not answer, and not without an agreement to its new price", async () => {
    expectError(await aws.up(seat, "--ttl", "2h"), 1, /does not answer SSH/);
    id = (await instance())?.InstanceId;
    expectError(await resize("--memory", "1GiB", "-y"), 1, /does not answer/);
    await aws.answering(seat, async () => {
      expectError(await resize("--memory", "1GiB"), 2, /t3\.micro from AWS .*\$0\.\d+ an hour/, /-y/);
      expectError(await resize("--memory", "900GiB", "-y"), 2, /no instance type .* is large enough/);
    });
    expect(await rented()).toEqual({ InstanceId: id, InstanceType: "t3.nano", state: "running" });
    expect(aws.proxy.calls).not.toContain("StopInstances");
  });

  test("gets the smallest type that has it, by a stop and a start; how long it was off is told", async () => {
    await aws.answering(seat, async () => {
      const run = expectDone(await resize("--memory", "1GiB", "-y", "--json"));
      expect(JSON.parse(run.stdout)).toMatchObject({
        target: "vps",
        rented: { from: "t3.nano", to: "t3.micro", changed: true, off: expect.any(Number) },
      });
      const again = expectDone(await resize("--memory", "1GiB"));
      expect(again.stdout).toMatch(/Nothing changed: the vps is a t3\.micro already/);
    });
    const wanted = ["StopInstances", "ModifyInstanceAttribute", "StartInstances"];
    expect(aws.proxy.calls.filter((call) => wanted.includes(call))).toEqual(wanted);
    expect(await rented()).toEqual({ InstanceId: id, InstanceType: "t3.micro", state: "running" });
    const { machines, vps } = await record();
    expect(vps).toMatchObject({ type: "t3.micro", firstType: "t3.nano" });
    expect(machines[0].address).toBe((await instance())?.PublicIpAddress);
  });

  test("keeps its type: up changes nothing, also when all of it is read anew", async () => {
    await aws.answering(seat, async () => {
      const args = upArgs(seat, "--json");
      const run = await aws.trilab(...args);
      expect(changesOf(run)).toEqual(["same"]);
      expect(JSON.parse(run.stdout).unapplied).toEqual([]);
      expect(changesOf(await aws.trilab(...args))).toEqual(["same"]);
    });
    expect(aws.proxy.calls).not.toContain("StopInstances");
    expect(await rented()).toEqual({ InstanceId: id, InstanceType: "t3.micro", state: "running" });
  });

  test("has its old type again when AWS refuses the new one", async () => {
    aws.proxy.fail({ action: "ModifyInstanceAttribute", code: "Unsupported", status: 400 });
    await aws.answering(seat, async () => {
      expectError(await resize("--memory", "4GiB", "-y"), 1, /could not become a t3\.medium/, /Unsupported/);
    });
    expect(await rented()).toEqual({ InstanceId: id, InstanceType: "t3.micro", state: "running" });
    expect((await record()).vps.type).toBe("t3.micro");
  });

  test("that is killed while it is off has its new type after the next up", async () => {
    await aws.answering(seat, async () => {
      const held = new Promise<void>((resolve) => {
        aws.proxy.onCall = (action) => {
          if (action !== "ModifyInstanceAttribute") return;
          resolve();
          return new Promise<void>(() => {});
        };
      });
      const running = home.start(resizeArgs("--memory", "2GiB", "-y"), aws.env);
      await held;
      running.kill("SIGKILL");
      await running.ended;
      aws.proxy.reset();
      expect(await rented()).toMatchObject({ InstanceType: "t3.micro", state: "stopped" });
      changesOf(await aws.trilab(...upArgs(seat, "--json")));
    });
    await until("the new type", async () => (await rented()).InstanceType === "t3.small");
    expect(await rented()).toEqual({ InstanceId: id, InstanceType: "t3.small", state: "running" });
  });

  test("keeps to the seat's budget", async () => {
    await aws.answering(seat, async () => {
      changesOf(await aws.trilab(...upArgs(seat, "--json", "--budget", "0.1")));
      expectError(await resize("--memory", "32GiB", "-y"), 2, /over the budget of \$0\.1/);
    });
    expect((await rented()).InstanceType).toBe("t3.small");
  });

  test("down: nothing of it is left", async () => {
    expectDone(await aws.down(seat));
    expect(await aws.total(seat)).toBe(0);
  });
});

import { readFile, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { CreateVolumeCommand, DeleteKeyPairCommand, DeleteVolumeCommand } from "@aws-sdk/client-ec2";
import { describe, expect, test } from "vitest";
import { changesOf, LAB, openAws, taggedAs, upArgs } from "./aws-support.js";
import { expectDone, expectError, type Home, openHome, until } from "./support.js";

const home = openHome();
/** Another state directory, as a second user's. */
const stranger = openHome();
const aws = openAws(home);

/** What `reap` says of one seat. */
async function reapOf(seat: string, from: Home, ...args: string[]) {
  const run = expectDone(await from.trilab(["reap", "--json", ...args], aws.env));
  const { seats } = JSON.parse(run.stdout) as {
    seats: { seat: string; verdict: string; outcome?: string; receipt?: { residue: unknown[] } }[];
  };
  return seats.find((found) => found.seat === seat);
}

describe("a seat with an end", () => {
  const seat = `t${process.pid}e`;

  test("extend promises nothing where the machine does not answer", async () => {
    expectError(await aws.up(seat, "--ttl", "2m"), 1, /does not answer SSH/);
    const { expires } = JSON.parse(await readFile(home.record(LAB, seat), "utf8"));
    const before = await aws.taggedEnds(seat);
    expect(new Set(Object.values(before))).toEqual(new Set([expires]));
    expect(Object.keys(before).length).toBe(9);
    expectError(
      await aws.trilab("extend", "1h", "--seat", seat),
      1,
      /was not extended/,
      /does not answer SSH/,
    );
    expect(await aws.taggedEnds(seat)).toEqual(before);
  });

  test("extend moves it in the machine and in every tag, and up leaves it there", async () => {
    await aws.answering(seat, async (machine) => {
      const run = expectDone(await aws.trilab("extend", "1h", "--seat", seat, "--json"));
      const { expires } = JSON.parse(run.stdout);
      expect(await machine.expires()).toBe(String(Math.floor(Date.parse(expires) / 1000)));
      const moved = await aws.taggedEnds(seat);
      expect(Object.keys(moved).length).toBe(9);
      expect(new Set(Object.values(moved))).toEqual(new Set([expires]));
      expect(changesOf(await aws.up(seat, "--json"))).toEqual(["same"]);
      // What is gone has the engine look at everything anew, and is made with the end in force.
      await aws.client.send(new DeleteKeyPairCommand({ KeyName: `trilab-${LAB}-${seat}-vps` }));
      expect(changesOf(await aws.up(seat, "--json"))).toEqual(["create", "same"]);
      expect(new Set(Object.values(await aws.taggedEnds(seat)))).toEqual(new Set([expires]));
    });
  });

  test("reap leaves it alone while it has time, whoever asks", async () => {
    expect(await reapOf(seat, home)).toMatchObject({ verdict: "live", known: true });
    expect(await reapOf(seat, stranger, "--others")).toMatchObject({ verdict: "live", known: false });
    expect(await aws.things(seat)).toMatchObject({ instances: 1, vpcs: 1 });
    expectDone(await aws.down(seat));
  });
});

describe("a seat whose time is up", () => {
  test("another state directory's reap lists it; its own removes it, with a receipt of zeros", async () => {
    const seat = `t${process.pid}x`;
    await aws.up(seat, "--ttl", "1s");
    expect(await reapOf(seat, stranger)).toMatchObject({ verdict: "listed", known: false });
    expect(await reapOf(seat, home, "--dry-run")).toMatchObject({ verdict: "expired", known: true });
    expect(await aws.things(seat)).toMatchObject({ instances: 1, vpcs: 1 });
    const receipt = {
      residue: [],
      left: { instance: 0, VPC: 0 },
      asked: [{ kind: "ec2", region: "eu-central-1" }],
    };
    expect(await reapOf(seat, home)).toMatchObject({ outcome: "removed", receipt });
    expect(await aws.total(seat)).toBe(0);
    expect(await reapOf(seat, home)).toBe(undefined);
  });

  test("what a killed up left is found by its tags and removed, with nothing else known of it", async () => {
    const seat = `t${process.pid}y`;
    const running = home.start(upArgs(seat, "--ttl", "1s"), aws.env);
    await until("a route table", async () => (await aws.things(seat)).tables === 1);
    await aws.kill(running);
    await rm(home.checkpoint(LAB, seat), { force: true });
    await rm(dirname(home.record(LAB, seat)), { recursive: true });
    expect(await aws.things(seat)).toMatchObject({ vpcs: 1, tables: 1 });
    expect(await reapOf(seat, home)).toMatchObject({ verdict: "listed", known: false });
    expect(await reapOf(seat, home, "--unknown")).toMatchObject({ outcome: "removed" });
    expect(await aws.total(seat)).toBe(0);
  });

  test("a region that can't be asked is named, and so is a seat in it that could not be removed", async () => {
    const seat = `t${process.pid}z`;
    await aws.up(seat, "--ttl", "1s");
    const run = await home.trilab(["reap"], { ...aws.env, AWS_ACCESS_KEY_ID: "" });
    expect(run).toMatchObject({ exitCode: 8 });
    const unasked = /AWS \(eu-central-1\) was not asked: .*no AWS credentials/;
    expect(run.stderr).toMatch(unasked);
    expect(run.stdout).toMatch(new RegExp(`${seat} .* failed: .*no AWS credentials`));
    // Whoever only lists must not take what was not asked for all there is.
    const dry = await home.trilab(["reap", "--dry-run"], { ...aws.env, AWS_ACCESS_KEY_ID: "" });
    expect(dry).toMatchObject({ exitCode: 3, stderr: expect.stringMatching(unasked) });
    expect(await reapOf(seat, home)).toMatchObject({ outcome: "removed" });
  });

  test("by a clock that is wrong nothing is rented, and nothing rented is removed", async () => {
    const seat = `t${process.pid}w`;
    const wrong = /this machine's clock is 10m\w* ahead of AWS's/;
    aws.proxy.clockAhead = -600;
    expectError(await aws.up(seat), 3, wrong);
    expect(aws.proxy.calls).toEqual(["DescribeSecurityGroups"]);
    aws.proxy.reset();
    await aws.up(seat, "--ttl", "1s");
    aws.proxy.clockAhead = -600;
    expectError(await aws.up(seat), 3, wrong);
    const run = await aws.trilab("reap");
    expect(run).toMatchObject({ exitCode: 8 });
    expect(run.stdout).toMatch(new RegExp(`${seat} .* failed: ${wrong.source}`));
    expect(await aws.things(seat)).toMatchObject({ instances: 1, vpcs: 1 });
    // Who says so outright is believed.
    expectDone(await aws.down(seat));
    expect(await aws.total(seat)).toBe(0);
  });

  test("two hundred seats are asked about at once", async () => {
    const seat = `t${process.pid}h`;
    const expires = new Date(Date.now() + 3_600_000).toISOString();
    const ids = await Promise.all(
      Array.from({ length: 200 }, async (_, i) => {
        const tags = taggedAs("volume", { seat: `${seat}${i}`, expires });
        const request = { AvailabilityZone: "eu-central-1a", Size: 1, ...tags };
        return (await aws.client.send(new CreateVolumeCommand(request))).VolumeId;
      }),
    );
    const run = expectDone(await stranger.trilab(["reap", "--json"], aws.env));
    const { seats } = JSON.parse(run.stdout) as { seats: { seat: string; verdict: string }[] };
    const ours = seats.filter((found) => found.seat.startsWith(seat));
    expect(ours.length).toBe(200);
    expect(new Set(ours.map(({ verdict }) => verdict))).toEqual(new Set(["live"]));
    expect(aws.proxy.calls.length).toBeLessThan(20);
    for (const VolumeId of ids) await aws.client.send(new DeleteVolumeCommand({ VolumeId }));
  });
});

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { residueOf } from "./residue.js";
import { expectDone, expectError, type Home, host, machine, openHome, until, virsh } from "./support.js";

const LAB = "first-boot";
const home = openHome();
/** Another state directory, as a second user's. */
const stranger = openHome();

/** What a seat's target has in the file that its end stands in. */
const endIn = async (seat: string, target: string): Promise<string> =>
  expectDone(
    await home.trilab(["ssh", target, "--seat", seat, "--", "cat", "/var/lib/trilab/expires"]),
  ).stdout.trim();
const recordOf = async (seat: string): Promise<{ expires: string; extendedTo?: string }> =>
  JSON.parse(await readFile(home.record(LAB, seat), "utf8"));
const seconds = (iso: string): string => String(Math.floor(Date.parse(iso) / 1000));
const containerState = (seat: string): Promise<string> =>
  host("docker", "inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", machine(seat, "container"));

interface ReapReport {
  seats: { lab: string; seat: string; verdict: string; outcome?: string; receipt?: { residue: unknown[] } }[];
}
/** What `reap` said of one seat. */
async function reapOf(
  seat: string,
  from: Home,
  ...args: string[]
): Promise<ReapReport["seats"][number] | undefined> {
  const run = expectDone(await from.trilab(["reap", "--json", ...args]));
  return (JSON.parse(run.stdout) as ReapReport).seats.find((s) => s.seat === seat);
}

describe("a seat with a short life", () => {
  let seat: string;

  test("its machines know their end from the start", async () => {
    seat = home.seat("a");
    expectDone(await home.trilab(["up", LAB, "--seat", seat, "--ttl", "150s"]));
    const { expires } = await recordOf(seat);
    expect(await endIn(seat, "container")).toBe(seconds(expires));
  });

  test("they end themselves, with nobody to do it, and the container stays so", async () => {
    await until("the container ends", async () => (await containerState(seat)) === "exited 0", 200_000);
    await until(
      "the guest powers off",
      async () => (await virsh("domstate", machine(seat, "guest"))) === "shut off",
      240_000,
    );
    expect(await containerState(seat)).toBe("exited 0");
    const console = await home.trilab(["logs", "guest", "--seat", seat]);
    expect(console.stdout).toContain("time is up");
  });

  test("another state directory's reap only lists it", async () => {
    expect(await reapOf(seat, stranger)).toMatchObject({ verdict: "listed", known: false });
    expect(await residueOf(LAB, seat)).not.toEqual([]);
  });

  test("a dry run says what would go", async () => {
    expect(await reapOf(seat, home, "--dry-run")).toMatchObject({ verdict: "expired", known: true });
    expect(await residueOf(LAB, seat)).not.toEqual([]);
  });

  test("one reap leaves nothing, and says so", async () => {
    const reaped = await reapOf(seat, home);
    expect(reaped).toMatchObject({ outcome: "removed", receipt: { residue: [] } });
    expect(await residueOf(LAB, seat)).toEqual([]);
    expect(await reapOf(seat, home)).toBe(undefined);
  });
});

describe("a seat that is given more time", () => {
  let seat: string;

  test("extend moves the end of both machines, and replaces nothing", async () => {
    seat = home.seat("b");
    expectDone(await home.trilab(["up", LAB, "--seat", seat, "--ttl", "8m"]));
    const before = await recordOf(seat);
    const { expires } = JSON.parse(
      expectDone(await home.trilab(["extend", "1h", "--seat", seat, "--json"])).stdout,
    );
    expect(Date.parse(expires) - Date.parse(before.expires)).toBeGreaterThanOrEqual(3_600_000);
    for (const target of ["container", "guest"]) expect(await endIn(seat, target)).toBe(seconds(expires));
    expect(await recordOf(seat)).toMatchObject({ expires: before.expires, extendedTo: expires });
    const { seats } = JSON.parse(expectDone(await home.trilab(["status", "--seat", seat, "--json"])).stdout);
    expect(seats[0].expires).toBe(expires);
    const again = JSON.parse(expectDone(await home.trilab(["up", LAB, "--seat", seat, "--json"])).stdout);
    expect(again).toMatchObject({ changes: { same: 10 }, expires });
    expect(await reapOf(seat, home)).toMatchObject({ verdict: "live" });
  });

  test("in its last ten minutes every login says so", async () => {
    const soon = String(Math.floor(Date.now() / 1000) + 299);
    for (const target of ["container", "guest"]) {
      const inside = (...command: string[]) =>
        home.trilab(["ssh", target, "--seat", seat, "--root", "--", ...command]);
      expectDone(await inside("/usr/local/lib/trilab/lifetime", "set", soon));
      expect((await inside("bash", "--login", "-c", "true")).stderr).toMatch(
        /ends in [45] min.*trilab extend/,
      );
    }
  });
});

describe("a seat whose time is up", () => {
  let seat: string;

  test("can't be extended any more: its machine is named, and nothing is promised", async () => {
    seat = home.seat("c");
    expectDone(await home.trilab(["up", LAB, "--seat", seat, "--on", "container", "--ttl", "5s"]));
    await until("the container ends", async () => (await containerState(seat)) === "exited 0", 120_000);
    const before = await recordOf(seat);
    expectError(
      await home.trilab(["extend", "1h", "--seat", seat]),
      1,
      /was not extended/,
      /container: /,
      /trilab up/,
    );
    expect(await recordOf(seat)).toEqual(before);
  });

  test("is left alone while another run holds it", async () => {
    const lock = join(home.state, "locks", `trilab-${LAB}-${seat}.lock`);
    const holder = spawn("flock", [lock, "sh", "-c", "echo held; exec cat"], {
      stdio: ["pipe", "pipe", "ignore"],
    });
    await once(holder.stdout, "data");
    expect(await reapOf(seat, home)).toMatchObject({ outcome: "skipped" });
    holder.stdin.end();
    await once(holder, "exit");
  });

  test("lives on after up, which says so", async () => {
    const run = expectDone(await home.trilab(["up", LAB, "--seat", seat, "--ttl", "1h"]));
    expect(run.stderr).toMatch(/time .* was up; it gets more/);
    const { extendedTo } = await recordOf(seat);
    expect(await endIn(seat, "container")).toBe(seconds(extendedTo ?? ""));
    expect(await reapOf(seat, home)).toMatchObject({ verdict: "live" });
  });
});

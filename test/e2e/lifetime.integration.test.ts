import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { residueOf } from "./residue.js";
import { expectDone, expectError, type Home, host, machine, openHome, until, virsh } from "./support.js";

const LAB = "first-boot";
const home = openHome();
/** Other state directories, as other users'. */
const [brief, stranger] = [openHome(), openHome()];

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

/** Its end comes while the other tests run. */
let shortLived: string;

beforeAll(async () => {
  shortLived = brief.seat("a");
  expectDone(await brief.trilab(["up", LAB, "--seat", shortLived, "--ttl", "150s"]));
});

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

describe("a seat that is given more time", () => {
  let seat: string;

  test("extend moves the end of both machines, and replaces nothing", async () => {
    seat = home.seat("b");
    expectDone(await home.trilab(["up", LAB, "--seat", seat, "--ttl", "8m"]));
    const before = await recordOf(seat);
    expect(await endIn(seat, "container")).toBe(seconds(before.expires));
    const { expires } = JSON.parse(
      expectDone(await home.trilab(["extend", "1h", "--seat", seat, "--json"])).stdout,
    );
    expect(Date.parse(expires) - Date.parse(before.expires)).toBeGreaterThanOrEqual(3_600_000);
    for (const target of ["container", "guest"]) expect(await endIn(seat, target)).toBe(seconds(expires));
    expect(await recordOf(seat)).toMatchObject({ expires: before.expires, extendedTo: expires });
    const { seats } = JSON.parse(expectDone(await home.trilab(["status", "--seat", seat, "--json"])).stdout);
    expect(seats[0].expires).toBe(expires);
    const again = JSON.parse(expectDone(await home.trilab(["up", LAB, "--seat", seat, "--json"])).stdout);
    expect(again).toMatchObject({ changes: { same: 11 }, expires });
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
    expectDone(await home.trilab(["up", LAB, "--seat", seat, "--on", "container", "--ttl", "20s"]));
    await until("the container ends", async () => (await containerState(seat)) === "exited 0", 120_000);
    const before = await recordOf(seat);
    expectError(
      await home.trilab(["ssh", "container", "--seat", seat, "--", "true"]),
      1,
      /the container of seat .* is not running/,
      /its time was up .* ago/,
      new RegExp(`trilab up ${LAB} --seat ${seat}`),
    );
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
    expect(run.stderr).toMatch(/had expired; it gets new time/);
    const { extendedTo } = await recordOf(seat);
    expect(await endIn(seat, "container")).toBe(seconds(extendedTo ?? ""));
    expect(await reapOf(seat, home)).toMatchObject({ verdict: "live" });
  });
});

describe("a seat with a short life", () => {
  test("they end themselves, with nobody to do it, and the container stays so", async () => {
    await until("the container ends", async () => (await containerState(shortLived)) === "exited 0", 200_000);
    await until(
      "the guest powers off",
      async () => (await virsh("domstate", machine(shortLived, "guest"))) === "shut off",
      240_000,
    );
    expect(await containerState(shortLived)).toBe("exited 0");
    const console = await brief.trilab(["logs", "guest", "--seat", shortLived]);
    expect(console.stdout).toContain("time is up");
  });

  test("another state directory's reap only lists it", async () => {
    expect(await reapOf(shortLived, stranger)).toMatchObject({ verdict: "listed", known: false });
    expect(await residueOf(LAB, shortLived)).not.toEqual([]);
  });

  test("a dry run says what would go", async () => {
    expect(await reapOf(shortLived, brief, "--dry-run")).toMatchObject({ verdict: "expired", known: true });
    expect(await residueOf(LAB, shortLived)).not.toEqual([]);
  });

  test("one reap leaves nothing, and says so", async () => {
    const reaped = await reapOf(shortLived, brief);
    expect(reaped).toMatchObject({ outcome: "removed", receipt: { residue: [] } });
    expect(await residueOf(LAB, shortLived)).toEqual([]);
    expect(await reapOf(shortLived, brief)).toBe(undefined);
  });
});

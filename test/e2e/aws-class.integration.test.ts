import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { LAB, openAws } from "./aws-support.js";
import { expectDone, expectError, openHome, type Run } from "./support.js";

const home = openHome();
const aws = openAws(home);
const LEARNERS = ["a", "b", "c", "d", "e", "f", "g", "h"].map((letter) => home.seat(letter));
const CALLS_THAT_MAKE = /^(Run|Create|Import|Allocate)/;

let dir = "";
/** Writes class.yaml with these lines, and a roster of so many learners. @returns its path. */
async function classOf(learners: number, ...lines: string[]): Promise<string> {
  const rows = LEARNERS.slice(0, learners).map((seat) => `${seat},Learner ${seat}`);
  await writeFile(join(dir, "roster.csv"), ["id,name", ...rows].join("\n"));
  const file = join(dir, "class.yaml");
  const text = [`name: c${process.pid}`, `lab: ${LAB}`, "targets: [vps]", "cloud: aws", ...lines].join("\n");
  await writeFile(file, `${text}\n`);
  return file;
}
const json = (run: Run) => JSON.parse(expectDone(run).stdout);
const of = (verb: string, ...args: string[]): Promise<Run> => aws.trilab("class", verb, "--json", ...args);
const up = (...args: string[]): Promise<Run> => of("up", "-y", "--wait", "30s", ...args);
/** The seats' states; their machines run on this host, so that parity (exit 5) is not the matter here. */
function statesOf(run: Run): Record<string, unknown>[] {
  expect([0, 1, 5], run.stderr).toContain(run.exitCode);
  return JSON.parse(run.stdout).seats;
}
const made = (): string[] => aws.proxy.calls.filter((action) => CALLS_THAT_MAKE.test(action));

beforeAll(async () => {
  dir = join(home.dir, "class");
  await mkdir(dir);
});

test("a class that the account's quotas do not allow is refused, by number, before anything is made", async () => {
  const file = await classOf(6);
  // Each seat has a network of its own; an account may have five, and one is its default.
  expectError(
    await of("plan", file),
    2,
    /quotas in eu-central-1 are too small for the new rented seats: 6/,
    /networks: needed 6, in use 1 of 5/,
    /vps\.network: default/,
    /room for 4/,
  );
  expectError(await up(file), 2, /quotas/);
  expect(made()).toEqual([]);
});

test("a quota that AWS does not tell stops nothing, and is named", async () => {
  aws.proxy.fail({ action: "GetServiceQuota", code: "AccessDeniedException" });
  const { stdout } = expectDone(await aws.trilab("class", "plan", await classOf(3)));
  expect(stdout).toMatch(
    /AWS did not report its quota of networks \(AccessDeniedException: played\); 1 in use/,
  );
  expect(stdout).toMatch(/Rented machines: 3, of which 3 are new; they cost \$0\.\d+ until the seats' end/);
});

test("a class that costs more than its budget is refused; the plan says what it costs", async () => {
  expectError(
    await of("plan", await classOf(3, "budget: 0.01")),
    2,
    /over its budget of \$0\.01/,
    /3 × t3\.nano/,
  );
  expectError(await of("plan", await classOf(3), "--budget", "0.01"), 2, /over its budget/);
  const { rented, seats } = json(await of("plan", await classOf(3, "budget: 1")));
  expect(seats.map(({ targets }: { targets: string[] }) => targets)).toEqual([["vps"], ["vps"], ["vps"]]);
  expect(rented).toMatchObject({ machines: 3, news: { seats: 3, ttl: 10_800 } });
  expect(rented.cost).toBeGreaterThan(0.03);
  expect(rented.cost).toBeLessThan(0.3);
  expect(made()).toEqual([]);
});

test("throttled, and refused for half of its seats, it comes up; nothing is there twice", async () => {
  const file = await classOf(4, "budget: 1");
  aws.proxy.fail({ action: "RunInstances", code: "RequestLimitExceeded", status: 503, times: 3 });
  aws.proxy.fail({ action: "RunInstances", code: "InsufficientInstanceCapacity", status: 500, times: 2 });
  await aws.allAnswering(async () => {
    expect(statesOf(await up(file)).map(({ problem, state }) => problem ?? state)).toEqual(
      Array(4).fill("up"),
    );
    for (const seat of LEARNERS.slice(0, 4))
      expect(await aws.things(seat)).toMatchObject({ instances: 1, vpcs: 1, keys: 1, volumes: 1 });
    aws.proxy.reset();
    expect(statesOf(await up(file)).map(({ unchanged }) => unchanged)).toEqual(Array(4).fill(true));
    expect(made()).toEqual([]);
  });
});

test("each seat keeps to its share of the budget when it gets more time", async () => {
  const run = await of("extend", "30d");
  expect(run.exitCode).toBe(1);
  const problems = JSON.parse(run.stdout).seats.map(({ problem }: { problem: string }) => problem);
  expect(problems).toEqual(Array(4).fill(expect.stringMatching(/over the budget of \$0\.25/)));
  const { budget } = JSON.parse(await readFile(home.record(LAB, LEARNERS[0] ?? ""), "utf8"));
  expect(budget).toBeCloseTo(0.25);
  // A budget that is too small for what there is changes nothing.
  expectError(await up(join(dir, "class.yaml"), "--budget", "0.01"), 2, /over its budget of \$0\.01/);
  expect(json(await of("plan", join(dir, "class.yaml"))).rented).toMatchObject({ machines: 4 });
});

test("down leaves nothing, at AWS's own rates not one request too fast", async () => {
  aws.proxy.limitsRates = true;
  expect(json(await of("down"))).toMatchObject({ clean: true, failed: [] });
  for (const seat of LEARNERS) expect(await aws.total(seat)).toBe(0);
  expect(aws.proxy.tooFast).toEqual([]);
});

test("many rented seats at once, in the account's network: not one request is too fast for AWS", async () => {
  const lab = await home.lab(
    "shared-net",
    "targets: [vps]\nmachine: { memory: 512MiB, disk: 4GiB }\nvps: { cloud: aws, network: default }\n",
  );
  const file = join(dir, "many.yaml");
  const seats = LEARNERS.map((seat) => home.seat(`${seat.at(-1)}n`, "shared-net"));
  await writeFile(join(dir, "many.csv"), ["id,name", ...seats.map((seat) => `${seat},L ${seat}`)].join("\n"));
  await writeFile(file, `name: n${process.pid}\nlab: ${lab}\nroster: many.csv\n`);
  aws.proxy.limitsRates = true;
  await aws.allAnswering(async () => {
    expect(statesOf(await up(file)).map(({ problem, state }) => problem ?? state)).toEqual(
      Array(8).fill("up"),
    );
    expect(aws.proxy.tooFast).toEqual([]);
    // What is in use counts, for a learner who comes later.
    const roster = await readFile(join(dir, "many.csv"), "utf8");
    await writeFile(join(dir, "many.csv"), `${roster}\n${home.seat("in", "shared-net")},Late`);
    const { rented } = json(await of("plan", file));
    expect(rented).toMatchObject({ machines: 9, news: { seats: 1 } });
    expect(rented.quotas).toMatchObject([
      { of: "networks", used: 1, limit: 5 },
      { of: "vCPUs", used: 16 },
    ]);
    expect(json(await of("down", file))).toMatchObject({ clean: true, failed: [] });
    expect(aws.proxy.tooFast).toEqual([]);
  });
});

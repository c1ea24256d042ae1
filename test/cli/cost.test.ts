import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ExitCode, UserError } from "../../base/errors.js";
import type { Context } from "../../cli/context.js";
import { main } from "../../cli/main.js";
import { lineFollow } from "../../cli/show-progress.js";
import type { PriceTable } from "../../model/prices.js";
import { requireBudget } from "../../seats/budget.js";
import { startPriceServer } from "../drivers/ec2/price-server.js";

let dir = "";
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "trilab-cost-"));
  // The repo's own prices, and no daemon to ask.
  vi.stubEnv("XDG_CACHE_HOME", dir);
  vi.stubEnv("TRILAB_DOCKER_HOST", `unix://${dir}/none`);
  vi.stubEnv("TRILAB_LIBVIRT_URI", `qemu+unix:///system?socket=${dir}/none`);
  // No region of this machine's user.
  for (const name of ["AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"]) vi.stubEnv(name, "");
  vi.stubEnv("AWS_CONFIG_FILE", join(dir, "none"));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(dir, { recursive: true, force: true });
});

/** Runs `trilab cost` in process. */
async function cost(...argv: string[]) {
  const out: string[] = [];
  const plain = (text: string): string => text;
  const ctx = (json: boolean): Context => ({
    json,
    print: (line) => out.push(line),
    tell: () => {},
    confirm: async () => undefined,
    ask: async () => undefined,
    signal: new AbortController().signal,
    follow: lineFollow(() => {}),
    style: { bold: plain, dim: plain, good: plain, bad: plain, warn: plain },
  });
  try {
    const exitCode = await main(["cost", ...argv], ctx);
    return { exitCode, out: out.join("\n"), error: undefined };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { exitCode: error.exitCode, out: out.join("\n"), error };
  }
}

describe("trilab cost", () => {
  it("shows what a class takes of the host, and costs rented", async () => {
    const { exitCode, out } = await cost("--seats", "30", "--ttl", "2h", "--size", "t3.small");
    expect(exitCode).toBe(0);
    expect(out).toMatch(/^Lab first-boot, 30 seats for 2h$/m);
    expect(out).toMatch(/^container +30 \(\d+ %\) +15GiB \(\d+ %\) +120GiB/m);
    expect(out).toMatch(/^together +60 \(\d+ %\) +30GiB/m);
    // 30 × (0.0208 + 8 × 0.08 / 730 + 0.005) = 0.8003 an hour: Debian's image asks for 8 GiB.
    expect(out).toMatch(/^30 × t3\.small +us-east-1 +\$0\.8003 +\$1\.60$/m);
    expect(out).toMatch(/list prices of \d{4}-\d\d-\d\d .*spot prices are not listed/);
  });

  it("gives a verdict on the host: what is not enough, and what would fit", async () => {
    const one = await cost("--json");
    expect(JSON.parse(one.out).fit).toMatchObject({ fits: true, over: [] });
    expect((await cost()).out).toMatch(
      /^ {2}fits on this host \(at most \d+ would, by (CPUs|memory|disk)\)$/m,
    );
    const { fit, host } = JSON.parse((await cost("--seats", "9999", "--json")).out);
    expect(fit).toMatchObject({ fits: false, over: expect.arrayContaining(["cpus", "memory"]) });
    // Container and guest each: 8 virtual CPUs share one of the host's.
    expect(fit.seats).toBeLessThanOrEqual(host.cpus * 4);
    expect((await cost("--seats", "9999")).out).toMatch(
      /does not fit on this host: not enough CPUs \(19998 for \d+; .*memory \(.*What fits: \d+ of these seats, or \d+ with one target each/,
    );
  });

  it("takes the lab's own ttl, and says day and month of what never ends", async () => {
    expect((await cost("first-boot")).out).toMatch(/PER HOUR +FOR 3h$/m);
    expect((await cost("--ttl", "none")).out).toMatch(/PER DAY +PER MONTH\n1 × t3\.nano .*\$8\.09$/m);
  });

  it("prices what the lab's vps block would rent, in the region that up would take", async () => {
    const rented = async (name: string, yaml: string) => {
      const lab = join(dir, name);
      await mkdir(lab);
      await writeFile(join(lab, "lab.yaml"), `name: ${name}\ntitle: T\nsummary: S.\n${yaml}`);
      return JSON.parse((await cost(lab, "--json")).out).rented;
    };
    vi.stubEnv("AWS_REGION", "eu-west-1");
    const GiB = 2 ** 30;
    expect(await rented("sized", "vps: { size: t3.large, region: eu-central-1 }")).toMatchObject({
      ...{ region: "eu-central-1", size: "t3.large", disk: 8 * GiB },
    });
    expect(await rented("spec", "machine: { cpus: 2, memory: 3GiB, disk: 20GiB }")).toMatchObject({
      ...{ region: "eu-west-1", size: "t3.medium", disk: 20 * GiB },
    });
  });

  it("--json has a schema version and stable keys", async () => {
    const data = JSON.parse((await cost("--ttl", "1h", "--json")).out);
    expect(data).toMatchObject({ schema: 1, kind: "cost", lab: "first-boot", seats: 1, ttl: 3600 });
    expect(data.local.map((row: { target: string }) => row.target)).toEqual(["container", "guest"]);
    expect(data.together).toMatchObject({ cpus: 2, memory: 2 ** 30, disk: 2 ** 33 });
    expect(data.rented).toMatchObject({ cloud: "aws", region: "us-east-1", size: "t3.nano" });
    expect(data.rented.cost.session).toBe(data.rented.perHour.total);
    expect(JSON.parse((await cost("--ttl", "none", "--json")).out)).toMatchObject({
      ttl: null,
      rented: { cost: { session: null } },
    });
  });

  it("knows what it does not know", async () => {
    const { exitCode, out } = await cost("--size", "t3.mikro");
    expect(exitCode).toBe(0);
    expect(out).toMatch(/size t3\.mikro .* Did you mean t3\.micro\?/);
  });

  it.each([
    [["--seats", "0"], ExitCode.usage, "--seats 30"],
    [["--seats", "many"], ExitCode.usage, "--seats 30"],
    [["--ttl", "soon"], ExitCode.usage, "1h30m"],
    [["--budget", "much"], ExitCode.usage, "2.50"],
    [["--budget", "-1"], ExitCode.usage, "2.50"],
    [["--budget", "0.01"], ExitCode.usage, "--ttl 54m"],
    [["--budget", "1", "--region", "us-east-9"], ExitCode.usage, "us-east-1"],
    [["--region", "us-east-9"], ExitCode.usage, "us-east-1"],
    [["--region", "Frankfurt"], ExitCode.usage, "eu-central-1"],
    [["frist-boot"], ExitCode.notFound, "first-boot"],
  ])("%j ends with %i and helps", async (argv, exitCode, help) => {
    const { error } = await cost(...argv);
    expect(error?.exitCode).toBe(exitCode);
    expect(error?.fix).toContain(help);
  });

  it("--refresh asks AWS, and what it said is remembered", async () => {
    const api = await startPriceServer(dir);
    const micro = ["--size", "t3.micro", "--json"];
    const before = JSON.parse((await cost(...micro)).out).rented;
    const fresh = JSON.parse((await cost("--refresh", ...micro)).out).rented;
    await api.close();
    expect([before.perHour.instance, fresh.perHour.instance]).toEqual([0.0104, 0.013]);
    expect(fresh.source).toBe("AWS Price List API");
    expect(JSON.parse((await cost(...micro)).out).rented).toEqual(fresh);
    expect((await cost("--refresh")).error?.message).toContain("can't be reached");
  });

  it("keeps to a budget that is enough", async () => {
    expect((await cost("--budget", "$0.05")).exitCode).toBe(0);
  });
});

describe("a budget", () => {
  const table: PriceTable = {
    schema: 1,
    sources: [],
    regions: {
      here: {
        ...{ date: "2026-01-01", source: "a test", diskGiBMonth: 0, addressHour: 0 },
        instanceHour: { big: 1 },
      },
    },
  };
  const rental = { region: "here", size: "big", disk: 2 ** 32 };
  const check = (budget: number, seats: number, ttl: number) => () =>
    requireBudget(budget, { rental, seats, ttl }, table);

  it("may be spent to the last cent", () => {
    expect(check(6, 2, 3 * 3600)).not.toThrow();
    expect(check(5.99, 2, 3 * 3600)).toThrow("would cost $6.00, over the budget of $5.99");
  });

  it("advises a life that it pays for", () => {
    try {
      check(5, 2, 3 * 3600)();
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      expect(error.fix).toBe(
        "a shorter life (--ttl 2h30m), a smaller instance type, fewer seats, or a larger --budget",
      );
      expect(error.why).toBe("2 × big in here, $2.00 an hour for 3h");
    }
    expect(check(5, 2, 2.5 * 3600)).not.toThrow();
    expect.assertions(3);
  });

  it("is never enough for what never ends, nor for what has no price", () => {
    expect(check(1e6, 1, Number.POSITIVE_INFINITY)).toThrow("without end");
    expect(() =>
      requireBudget(1e6, { rental: { ...rental, size: "huge" }, seats: 1, ttl: 60 }, table),
    ).toThrow("no price");
  });
});

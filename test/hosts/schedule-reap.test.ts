import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  cronLine,
  install,
  type Job,
  systemdUnits,
  uninstall,
  withCronLine,
} from "../../hosts/schedule-reap.js";
import { hasSystemd } from "../../hosts/start-daemons.js";

const job: Job = {
  name: "trilab-reap-0123abcd",
  command: ["/usr/bin/node", "/home/me/tri lab/dist/cli/bin.js", "reap"],
  env: { PATH: "/usr/bin:/bin", XDG_STATE_HOME: "/home/me/100% mine" },
  log: "/home/me/.local/state/trilab/log/reap.log",
  user: "me",
};

describe("the crontab's line", () => {
  it("runs every five minutes, with each word as it is", async () => {
    const dir = await mkdtemp(join(tmpdir(), "trilab-cron-"));
    const log = join(dir, "100% log");
    const line = cronLine({ ...job, command: ["printf", "%s|", "a b", "it's", "$HOME"], log });
    expect(line).toMatch(/^\*\/5 \* \* \* \* env .* # trilab-reap-0123abcd$/);
    // As cron does: the fields off, \% into %, the rest to sh.
    await execa("sh", ["-c", line.replace(/^(\S+ ){5}/, "").replaceAll("\\%", "%")]);
    expect(await readFile(log, "utf8")).toBe("a b|it's|$HOME|");
    await rm(dir, { recursive: true });
    expect(line).not.toMatch(/[^\\]%/);
  });

  it("is there once however often it is put in, and gone when it is taken out", () => {
    const other = fc.stringMatching(/^[ -~]{0,30}$/).filter((l) => !l.trimEnd().endsWith(job.name));
    fc.assert(
      fc.property(fc.array(other), (lines) => {
        const before = lines.map((l) => `${l}\n`).join("");
        const once = withCronLine(before, job.name, cronLine(job));
        expect(withCronLine(once, job.name, cronLine(job))).toBe(once);
        expect(once).toBe(`${before}${cronLine(job)}\n`);
        expect(withCronLine(once, job.name)).toBe(before);
      }),
    );
  });

  it("stands on a line of its own after one without an end", () => {
    expect(withCronLine("@daily true", "x", "y # x")).toBe("@daily true\ny # x\n");
  });
});

describe("the systemd units", () => {
  it("quote what systemd would take for its own", () => {
    const { service, timer } = systemdUnits(job);
    expect(service).toContain('Environment="XDG_STATE_HOME=/home/me/100%% mine"\n');
    expect(service).toContain('ExecStart="/usr/bin/node" "/home/me/tri lab/dist/cli/bin.js" "reap"\n');
    expect(service).toContain("User=me\n");
    expect(timer).toContain("OnUnitInactiveSec=5min\n");
    expect(timer).toContain("WantedBy=timers.target\n");
  });
});

// Where systemd runs this machine, installing would touch the real one.
describe.skipIf(hasSystemd())("installing without systemd", () => {
  const path = process.env.PATH;
  let dir: string;
  const crontab = (): Promise<string> => readFile(join(dir, "table"), "utf8").catch(() => "");

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "trilab-crontab-"));
    const fake = `#!/bin/sh\ncd '${dir}' || exit\nif [ "$1" = - ]; then cat >table\nelif [ -e table ]; then cat table\nelse echo "no crontab for me" >&2; exit 1; fi\n`;
    await writeFile(join(dir, "crontab"), fake, { mode: 0o755 });
    process.env.PATH = `${dir}:${path}`;
  });
  afterEach(async () => {
    process.env.PATH = path;
    await rm(dir, { recursive: true });
  });

  it("puts one line into the crontab, and takes just that out again", async () => {
    await uninstall(job);
    expect(await crontab()).toBe("");
    await writeFile(join(dir, "table"), "# mine\n\n@daily true\n");
    await install(job);
    await install({ ...job, log: "/elsewhere" });
    expect(await crontab()).toBe(`# mine\n\n@daily true\n${cronLine({ ...job, log: "/elsewhere" })}\n`);
    await uninstall(job);
    expect(await crontab()).toBe("# mine\n\n@daily true\n");
  });
});

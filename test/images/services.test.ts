import { spawn } from "node:child_process";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { servicesDir } from "../../images/assets.js";

/** The very script that is in the machines of a lab with services. */
const SCRIPT = join(servicesDir, "usr/local/lib/trilab/services");

/** A root of its own; `service`, `systemctl` and `update-rc.d` are stand-ins that write down how they were called. */
let root: string;
const path = (name: string): string => join(root, name);
const calls = (): Promise<string> => readFile(path("calls"), "utf8").catch(() => "");
const env = (): Record<string, string> => ({
  TRILAB_ROOT: root,
  TRILAB_PATIENCE: "1",
  PATH: `${path("bin")}:${process.env.PATH}`,
});
const services = (...args: string[]) => execa(SCRIPT, args, { reject: false, env: env(), stdin: "ignore" });

async function program(file: string, body: string): Promise<void> {
  await writeFile(path(file), `#!/bin/bash\n${body}\n`);
  await chmod(path(file), 0o755);
}
const until = async (condition: () => Promise<boolean>): Promise<void> => {
  while (!(await condition())) await sleep(20);
};

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "trilab-services-"));
  for (const dir of ["bin", "run", "etc/init.d", "etc/trilab", "etc/systemd/system/multi-user.target.wants"])
    await mkdir(path(dir), { recursive: true });
  await program("bin/service", `echo "$*" >>'${path("calls")}'; exec '${path("etc/init.d")}'/"$1" "$2"`);
  for (const tool of ["systemctl", "update-rc.d"])
    await program(`bin/${tool}`, `echo "${tool} $*" >>'${path("calls")}'`);
});
afterEach(() => rm(root, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }));

describe("a container's entry point", () => {
  const list = (...names: string[]) => writeFile(path("etc/trilab/services"), `${names.join("\n")}\n`);

  it("becomes the main program, without a child, beside a service that hangs", async () => {
    await list("stuck", "next");
    await program("etc/init.d/stuck", `echo $$ >'${path("stuck")}'; exec sleep 600`);
    const child = spawn(SCRIPT, ["run", "sleep", "600"], {
      env: { ...process.env, ...env() },
      stdio: "ignore",
    });
    const stuck = (): Promise<string> => readFile(path("stuck"), "utf8").catch(() => "");
    const name = (): Promise<string> => readFile(`/proc/${child.pid}/comm`, "utf8");
    await until(async () => (await stuck()) !== "" && (await name()) === "sleep\n");
    // What starts the services takes a moment to become nobody's child.
    await until(async () => (await readFile(`/proc/${child.pid}/task/${child.pid}/children`, "utf8")) === "");
    process.kill(Number(await stuck()));
    child.kill();
  });

  it("ends as the main program does, whatever a service does, and says what did not start", async () => {
    await list("bad", "none", "good");
    await program("etc/init.d/bad", "exit 3");
    await program("etc/init.d/good", "kill -9 $$");
    await mkdir(path("var/log"), { recursive: true });
    const { exitCode, stdout } = await services(
      ...[
        "run",
        "bash",
        "-c",
        `until grep -q started '${path("run/trilab-services")}'; do sleep 0.05; done; exit 7`,
      ],
    );
    expect(exitCode).toBe(7);
    expect(await calls()).toBe("bad start\ngood start\n");
    // Docker's pipe is not for them.
    expect(stdout).toBe("");
    expect(await readFile(path("var/log/trilab.log"), "utf8")).toMatch(
      /service bad did not start \(exit code 3\)[\s\S]*none can't be started: it has no script in \/etc\/init.d/,
    );
  });

  it("clears what a run before left in /run, and keeps its folders", async () => {
    await list("web");
    await program("etc/init.d/web", `ls -R '${path("run")}' >'${path("seen")}'`);
    await mkdir(path("run/web"));
    for (const file of ["web/web.pid", "trilab-lifetime"]) await writeFile(path(`run/${file}`), "1\n");
    await services("run", "bash", "-c", `until [[ -s '${path("seen")}' ]]; do sleep 0.05; done`);
    expect(await readFile(path("seen"), "utf8")).toMatch(/trilab-lifetime[\s\S]*web/);
    expect(await readFile(path("seen"), "utf8")).not.toContain("web.pid");
  });
});

describe("a container's log", () => {
  it("is begun anew when a service has filled it", async () => {
    await writeFile(path("etc/trilab/services"), "chatty\n");
    await mkdir(path("var/log"), { recursive: true });
    await writeFile(path("var/log/trilab.log"), `${"x".repeat(400)}\n`);
    await program("etc/init.d/chatty", "for ((i = 0; i < 300; i++)); do echo line $i; done");
    const run = await execa(SCRIPT, ["run", "sleep", "0"], { env: { ...env(), TRILAB_LOG_LIMIT: "500" } });
    expect(run.stdout).toBe("");
    const log = (): Promise<string> => readFile(path("var/log/trilab.log"), "utf8");
    await until(async () => (await log()).includes("line 299"));
    expect(await log()).toMatch(/^trilab: the log was full.*\nline \d+\n/);
    expect((await log()).length).toBeLessThan(600);
  });
});

describe("in the image", () => {
  it("systemd starts the named services, and no other package's", async () => {
    const wants = "etc/systemd/system/multi-user.target.wants";
    for (const unit of ["ssh.service", "trilab-identity.service", "nginx.service", "cups.service"])
      await writeFile(path(`${wants}/${unit}`), "");
    for (const script of ["ssh", "procps", "nginx", "old", "web"]) await program(`etc/init.d/${script}`, "");
    expect(await services("only", "web", "nginx")).toMatchObject({ exitCode: 0, stderr: "" });
    expect(await calls()).toBe(
      [
        "systemctl --quiet enable --now web",
        "systemctl --quiet enable --now nginx",
        "systemctl --quiet disable cups.service",
        "update-rc.d old disable\n",
      ].join("\n"),
    );
    expect(await readFile(path("etc/trilab/services"), "utf8")).toBe("web\nnginx\n");
  });

  it("a name that no package brings ends the build", async () => {
    await writeFile(path("etc/systemd/system/db@.service"), "");
    expect(await services("only", "db@main")).toMatchObject({ exitCode: 0 });
    const run = await services("only", "db@main", "ngnix");
    expect(run).toMatchObject({ exitCode: 1, stderr: "trilab: there is no service ngnix" });
  });
});

describe("asked what became of them", () => {
  it("says so at once where all run or everything was started, else once its patience is over", async () => {
    await writeFile(path("etc/trilab/services"), "up\ndown\n");
    await program("etc/init.d/up", "exit 0");
    await program("etc/init.d/down", "exit 3");
    await writeFile(path("run/trilab-services"), "starting\n");
    expect((await services("wait")).stdout).toBe("service=up running\nservice=down starting");
    await writeFile(path("run/trilab-services"), "started\n");
    expect((await services("wait")).stdout).toBe("service=up running\nservice=down stopped");
  });
});

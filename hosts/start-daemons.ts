import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, open, readFile, rm } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { ExitCode, UserError } from "../base/errors.js";
import { stateDir } from "../base/paths.js";
import { pollUntil } from "../base/poll.js";
import { asRoot, isRoot, which } from "../base/privilege.js";
import type { Progress } from "../base/progress.js";
import { connect as driverOf } from "../drivers/drivers.js";
import { LOCAL } from "../model/endpoint.js";

/** Whether systemd runs this machine (sd_booted(3)). */
export const hasSystemd = (): boolean => existsSync("/run/systemd/system");

/** Starts dockerd: by the service manager, or directly if there is none. */
export async function startDocker(progress: Progress): Promise<void> {
  progress.update("starting the Docker daemon");
  if (hasSystemd()) await asRoot("systemctl", ["enable", "--now", "docker"]);
  else {
    await dropStalePid("/run/docker.pid", "dockerd");
    await dropStalePid("/run/docker/containerd/containerd.pid", "containerd");
    await startByHand("dockerd", []);
  }
  await until("dockerd", async () => driverOf(LOCAL.docker).preflight(2_000));
  progress.note("started the Docker daemon");
}

/** Starts virtlogd (the consoles' logs) and libvirtd. */
export async function startLibvirt(progress: Progress): Promise<void> {
  progress.update("starting libvirt");
  await openKvmToItsGroup();
  if (hasSystemd()) await asRoot("systemctl", ["enable", "--now", "virtlogd.socket", "libvirtd"]);
  else {
    if (!(await virtlogdAnswers())) await startByHand("virtlogd", []);
    if (!(await libvirtdAnswers())) await startByHand("libvirtd", []);
  }
  await until("virtlogd", async () => {
    if (!(await virtlogdAnswers())) throw new Error("no answer on its socket");
  });
  await until("libvirtd", () => driverOf(LOCAL.libvirt).preflight());
  progress.note("started libvirt");
}

const libvirtdAnswers = (): Promise<boolean> =>
  driverOf(LOCAL.libvirt)
    .preflight()
    .then(
      () => true,
      () => false,
    );

/**
 * Whether virtlogd accepts connections: without it, no guest of the system's libvirt starts. Its socket file proves nothing,
 * because it outlives the daemon. If only root may connect, other users assume that it works.
 */
export function virtlogdAnswers(path = "/run/libvirt/virtlogd-sock"): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const answer = (verdict: boolean): void => {
      socket.destroy();
      resolve(verdict);
    };
    socket.once("connect", () => answer(true));
    socket.once("error", (error: NodeJS.ErrnoException) => answer(error.code === "EACCES"));
  });
}

/** dockerd refuses to start if any process has the recorded id; after a reboot, that may be another program. */
async function dropStalePid(file: string, command: string): Promise<void> {
  const pid = (await readFile(file, "utf8").catch(() => "")).trim();
  if (pid === "") return;
  const running = (await readFile(`/proc/${pid}/comm`, "utf8").catch(() => "")).trim();
  if (running !== command) await rm(file, { force: true });
}

/**
 * What udev does on an ordinary host: /dev/kvm belongs to the group kvm. Otherwise libvirt assumes KVM, its qemu user can't
 * open it, and libvirt probes QEMU again and again: 80 s per `virsh create`.
 */
export async function openKvmToItsGroup(): Promise<void> {
  if (!existsSync("/dev/kvm")) return;
  await asRoot("chgrp", ["kvm", "/dev/kvm"]);
  await asRoot("chmod", ["660", "/dev/kvm"]);
}

/** Starts a daemon in its own session, so that it outlives us; its output goes to the state directory's log folder. */
async function startByHand(command: string, args: readonly string[]): Promise<void> {
  if (!isRoot()) {
    throw new UserError(`${command} is not running`, {
      why: "this machine has no service manager, and only root can start it directly",
      fix: `as root: ${command} &`,
      exitCode: ExitCode.hostNotReady,
    });
  }
  await mkdir(join(stateDir(), "log"), { recursive: true, mode: 0o700 });
  const log = await open(logFile(command), "a", 0o600);
  // The daemon outlives a TMPDIR of this session.
  const { TMPDIR: _, ...env } = process.env;
  try {
    const child = spawn(which(command) ?? command, args, {
      detached: true,
      env,
      stdio: ["ignore", log.fd, log.fd],
      cwd: "/",
    });
    child.on("error", () => {}); // A missing binary is reported as a daemon that does not answer.
    child.unref();
  } finally {
    await log.close();
  }
}

const logFile = (command: string): string => join(stateDir(), "log", `${command}.log`);

/** Waits for a daemon to answer, at most 30 s. */
async function until(command: string, answers: () => Promise<void>): Promise<void> {
  let last: unknown;
  const answered = (): Promise<boolean> =>
    answers().then(
      () => true,
      (error: unknown) => {
        last = error;
        return false;
      },
    );
  if (await pollUntil(answered, { limitMs: 30_000, everyMs: 200 })) return;
  const log = await readFile(logFile(command), "utf8").catch(() => "");
  throw new UserError(`${command} was started but does not answer`, {
    why: log.trim().split("\n").slice(-5).join("\n") || "it left no log",
    fix: `look at ${hasSystemd() ? `journalctl -u ${command}` : logFile(command)}`,
    exitCode: ExitCode.hostNotReady,
    cause: last,
  });
}

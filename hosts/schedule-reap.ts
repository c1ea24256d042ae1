import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { ExitCode, UserError } from "../base/errors.js";
import { privateDir, stateDir } from "../base/paths.js";
import { asRoot, which } from "../base/privilege.js";
import { inScratchFolder } from "../base/scratch.js";
import { shellWord } from "../base/shell-words.js";
import { hasSystemd } from "./start-daemons.js";

/** A command to run regularly, without a terminal. */
export interface Job {
  /** Its unique name: one per state directory. */
  name: string;
  command: readonly string[];
  /** The environment with which it finds the same daemons and the same state. */
  env: Readonly<Record<string, string>>;
  /** Its output is appended to this file. */
  log: string;
  user: string;
}

/** Minutes between two runs. */
const EVERY = 5;
const UNITS = "/etc/systemd/system";
/** Variables for trilab's directories and endpoints. */
const VARIABLES = [
  "PATH",
  "HOME",
  "XDG_STATE_HOME",
  "XDG_CACHE_HOME",
  "XDG_CONFIG_HOME",
  "DOCKER_HOST",
  "DOCKER_CONTEXT",
  "DOCKER_CONFIG",
  "DOCKER_CERT_PATH",
  "DOCKER_TLS_VERIFY",
  "TRILAB_DOCKER_HOST",
  "LIBVIRT_DEFAULT_URI",
  "TRILAB_LIBVIRT_URI",
  "PULUMI_BACKEND_URL",
  "PULUMI_HOME",
  "PULUMI_CONFIG_PASSPHRASE_FILE",
  "TRILAB_STATE",
  // Account and region only; keys from the environment are not stored.
  "AWS_PROFILE",
  "AWS_REGION",
  "AWS_DEFAULT_REGION",
  "AWS_CONFIG_FILE",
  "AWS_SHARED_CREDENTIALS_FILE",
];

/** The job that runs `command` for this state directory, as this user. */
export async function jobOf(command: readonly string[]): Promise<Job> {
  const env = VARIABLES.flatMap((name) => {
    const value = process.env[name];
    return value ? [[name, value]] : [];
  });
  return {
    name: `trilab-reap-${createHash("sha256").update(stateDir()).digest("hex").slice(0, 8)}`,
    command,
    env: Object.fromEntries(env),
    log: join(await privateDir(join(stateDir(), "log")), "reap.log"),
    user: userInfo().username,
  };
}

/** The job as a line of a crontab. Pure. */
export function cronLine(job: Job): string {
  const env = Object.entries(job.env).map(([name, value]) => shellWord(`${name}=${value}`));
  const line = ["env", ...env, ...job.command.map(shellWord)].join(" ");
  // cron reads a plain percent sign as the end of the command.
  return `*/${EVERY} * * * * ${`${line} >>${shellWord(job.log)} 2>&1`.replaceAll("%", "\\%")} # ${job.name}`;
}

/** A crontab without the job's line, or with `line` in its place. All other lines stay unchanged. Pure. */
export function withCronLine(crontab: string, name: string, line?: string): string {
  const others = crontab.split(/(?<=\n)/).filter((l) => !l.trimEnd().endsWith(` # ${name}`));
  if (line === undefined) return others.join("");
  return `${others.join("").replace(/([^\n])$/, "$1\n")}${line}\n`;
}

/** The job as a systemd service and its timer. Pure. */
export function systemdUnits(job: Job): { service: string; timer: string } {
  // systemd interprets double quotes, % and $.
  const word = (text: string): string =>
    `"${text.replace(/[\\"]/g, "\\$&").replaceAll("%", "%%").replaceAll("$", "$$$$")}"`;
  const variable = (text: string): string => `"${text.replace(/[\\"]/g, "\\$&").replaceAll("%", "%%")}"`;
  const env = Object.entries(job.env).map(([name, value]) => `Environment=${variable(`${name}=${value}`)}`);
  return {
    service: [
      "[Unit]",
      "Description=Removes trilab seats whose time is up",
      "",
      "[Service]",
      "Type=oneshot",
      `User=${job.user}`,
      ...env,
      `ExecStart=${job.command.map(word).join(" ")}`,
      `StandardOutput=append:${job.log.replaceAll("%", "%%")}`,
      "StandardError=inherit",
      "",
    ].join("\n"),
    timer: [
      "[Unit]",
      "Description=Removes trilab seats whose time is up, every few minutes",
      "",
      "[Timer]",
      "OnBootSec=1min",
      `OnUnitInactiveSec=${EVERY}min`,
      "",
      "[Install]",
      "WantedBy=timers.target",
      "",
    ].join("\n"),
  };
}

/**
 * Runs the job every five minutes from now on: by systemd if it is running, else by cron. If it is installed already, it is
 * only updated.
 *
 * @returns what was installed, for people.
 * @throws UserError (exit 3) when there is neither.
 */
export async function install(job: Job): Promise<string[]> {
  if (!hasSystemd()) {
    const line = cronLine(job);
    await writeCrontab(withCronLine(await readCrontab(), job.name, line));
    return ["a line in your crontab:", `  ${line}`];
  }
  const { service, timer } = systemdUnits(job);
  await inScratchFolder("units", async (dir) => {
    for (const [file, text] of [
      [`${job.name}.service`, service],
      [`${job.name}.timer`, timer],
    ] as const) {
      await writeFile(join(dir, file), text);
      await asRoot("install", ["-m", "644", join(dir, file), join(UNITS, file)]);
    }
  });
  await asRoot("systemctl", ["daemon-reload"]);
  await asRoot("systemctl", ["enable", "--now", `${job.name}.timer`]);
  return [`a systemd timer: ${join(UNITS, job.name)}.timer, with its service beside it`];
}

/** Undoes {@link install}; succeeds if there is no job. */
export async function uninstall(job: Job): Promise<void> {
  if (!hasSystemd()) {
    if (which("crontab") === undefined) return;
    const crontab = await readCrontab();
    const without = withCronLine(crontab, job.name);
    if (without !== crontab) await writeCrontab(without);
    return;
  }
  await asRoot("systemctl", ["disable", "--now", `${job.name}.timer`]).catch(() => ""); // It may not be there.
  await asRoot("rm", ["-f", ...["service", "timer"].map((kind) => join(UNITS, `${job.name}.${kind}`))]);
  await asRoot("systemctl", ["daemon-reload"]);
}

/** Empty when the user has none. */
async function readCrontab(): Promise<string> {
  if (which("crontab") === undefined) {
    throw new UserError("this machine has no way to run a command regularly", {
      why: "systemd is not running, and there is no crontab command",
      fix: "install cron (apt-get install cron), or keep this running: trilab reap --watch",
      exitCode: ExitCode.hostNotReady,
    });
  }
  const result = await execa("crontab", ["-l"], {
    reject: false,
    stripFinalNewline: false,
    stdin: "ignore",
    env: { LC_ALL: "C" },
  });
  if (result.exitCode === 0) return result.stdout;
  if (/no crontab for/.test(result.stderr)) return "";
  throw refused(result.stderr);
}

async function writeCrontab(text: string): Promise<void> {
  const result = await execa("crontab", ["-"], { reject: false, input: text });
  if (result.exitCode !== 0) throw refused(result.stderr);
}

const refused = (said: string): UserError =>
  new UserError("the crontab can't be used", {
    why: said.trim(),
    fix: "see crontab(1), or keep this running: trilab reap --watch",
    exitCode: ExitCode.hostNotReady,
  });

import { access, constants, mkdir, readFile } from "node:fs/promises";
import { release } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import writeFileAtomic from "write-file-atomic";
import { z } from "zod";
import { ExitCode, hasCode, UserError } from "../base/errors.js";
import { cacheDir } from "../base/paths.js";

export interface ProbeOptions {
  /** Paths of a matched image's kernel (ELF vmlinux) and initrd. */
  kernel: string;
  initrd: string;
  /** Milliseconds until it gives up. Default 10 000. */
  timeoutMs?: number;
  /** `tcg` (emulation) tests the probe itself. Default `kvm`. */
  accel?: "kvm" | "tcg";
}

/** Milliseconds that a kernel has to boot. */
export const PROBE_MS = 10_000;

const verdictSchema = z.strictObject({
  works: z.boolean(),
  /** One sentence for people. */
  why: z.string(),
  /** How long the probe took. */
  seconds: z.number(),
  /** It has no result: the host was too busy to boot any kernel in time. */
  inconclusive: z.boolean().optional(),
  /** The kernel was started, and did not boot in time. */
  timedOut: z.boolean().optional(),
});

export type ProbeVerdict = z.infer<typeof verdictSchema>;

/**
 * Whether a guest really runs under KVM here. Boots the image's kernel until its init prints a line, because on some hosts
 * /dev/kvm exists and every guest hangs.
 *
 * @throws UserError (exit 3) when qemu-system-x86_64 is not installed.
 */
export async function probeKvm(options: ProbeOptions): Promise<ProbeVerdict> {
  const accel = options.accel ?? "kvm";
  const timeoutMs = options.timeoutMs ?? PROBE_MS;
  const started = Date.now();
  const verdict = (works: boolean, why: string): ProbeVerdict => ({
    works,
    why,
    seconds: Math.round(Date.now() - started) / 1000,
  });
  if (accel === "kvm") {
    const denied = await access("/dev/kvm", constants.R_OK | constants.W_OK).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (hasCode(denied, "ENOENT"))
      return verdict(
        false,
        "there is no /dev/kvm: this host has no hardware virtualisation, or does not pass it on",
      );
    if (denied !== undefined) return verdict(false, "/dev/kvm may not be opened by this user (group kvm)");
  }
  const run = await execa("qemu-system-x86_64", probeArguments({ ...options, accel }), {
    reject: false,
    stdin: "ignore",
    timeout: timeoutMs,
    killSignal: "SIGKILL",
    maxBuffer: 1024 ** 2,
  });
  if (hasCode(run, "ENOENT"))
    throw new UserError("qemu-system-x86_64 is not installed", {
      why: "only booting a kernel shows whether KVM works",
      fix: "install it: apt-get install qemu-system-x86",
      exitCode: ExitCode.hostNotReady,
    });
  const judged = verdict(...judgeProbe(run, accel, timeoutMs));
  return !judged.works && run.timedOut ? { ...judged, timedOut: true } : judged;
}

/** QEMU's arguments: a machine that has only a serial console, and ends at its first reset. */
export const probeArguments = ({
  accel = "kvm",
  initrd,
  kernel,
}: Pick<ProbeOptions, "accel" | "initrd" | "kernel">): string[] => [
  ...["-machine", "pc", "-accel", accel, "-cpu", "max", "-m", "256", "-smp", "1"],
  ...["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-serial", "stdio"],
  ...["-kernel", kernel, "-initrd", initrd],
  ...["-append", "console=ttyS0 quiet panic=-1 trilab.probe"],
];

/** Whether the kernel booted, by what QEMU printed, and a sentence about it. Pure. */
export function judgeProbe(
  run: { stdout: string; stderr: string; timedOut: boolean },
  accel: "kvm" | "tcg" = "kvm",
  timeoutMs = PROBE_MS,
): [works: boolean, why: string] {
  if (run.stdout.includes("trilab-probe-ok")) return [true, `a kernel booted under ${accel}`];
  if (run.timedOut)
    return [false, `a kernel started under ${accel} did not reach its init within ${timeoutMs / 1000} s`];
  const said = [run.stderr, run.stdout].join("\n").trim().split("\n").at(-1)?.trim() ?? "";
  return [false, `QEMU ended without booting a kernel under ${accel}${said === "" ? "" : `: ${said}`}`];
}

/** Boots the same kernel on the same host under this accelerator. */
type Probe = (accel: "kvm" | "tcg") => Promise<ProbeVerdict>;

const cacheSchema = z.strictObject({ key: z.string(), verdict: verdictSchema });

/**
 * The verdict for this host: from `<cacheDir>/kvm.json` if boot, host kernel, QEMU and the state of /dev/kvm are the same as
 * then, else from a new probe.
 */
export async function kvmVerdict(options: Pick<ProbeOptions, "initrd" | "kernel">): Promise<ProbeVerdict> {
  return cachedVerdict("kvm", await hostKey(), (accel) => probeKvm({ ...options, accel }));
}

/**
 * A verdict from `<cacheDir>/<name>.json` if it has the same key, else from a new probe. Its verdict is stored, unless it is
 * inconclusive.
 *
 * @param key Everything that could change the verdict.
 */
export async function cachedVerdict(name: string, key: string, probe: Probe): Promise<ProbeVerdict> {
  const path = join(cacheDir(), `${name}.json`);
  const cached = await readFile(path, "utf8")
    .then((text) => cacheSchema.safeParse(JSON.parse(text)).data)
    .catch(() => undefined);
  if (cached?.key === key) return cached.verdict;
  const verdict = await conclude(await probe("kvm"), probe);
  if (verdict.inconclusive) return verdict;
  await mkdir(cacheDir(), { recursive: true, mode: 0o700 });
  await writeFileAtomic(path, `${JSON.stringify({ key, verdict })}\n`);
  return verdict;
}

/**
 * A kernel that did not boot under KVM in time may only have been slow, on a busy host. Emulation is slower still: if an
 * emulated kernel boots in the same time, the cause is KVM.
 */
async function conclude(verdict: ProbeVerdict, probe: Probe): Promise<ProbeVerdict> {
  if (verdict.works || !verdict.timedOut) return verdict;
  const emulated = await probe("tcg");
  if (emulated.works) return verdict;
  return {
    ...verdict,
    inconclusive: true,
    why: `${verdict.why}, and neither did an emulated one: the host is too busy to find out`,
  };
}

async function hostKey(): Promise<string> {
  const bootId = await readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => "none");
  const version = await execa("qemu-system-x86_64", ["--version"], { reject: false });
  // After the user has joined group kvm or loaded the module, the old verdict does not apply.
  const device = await access("/dev/kvm", constants.R_OK | constants.W_OK).then(
    () => "open",
    (error: unknown) => (hasCode(error, "ENOENT") ? "absent" : "denied"),
  );
  return [bootId.trim(), release(), version.stdout?.split("\n")[0] ?? "no qemu", device].join("|");
}

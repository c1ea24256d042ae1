import { createHash } from "node:crypto";
import { basename, dirname } from "node:path";
import { execa } from "execa";
import type { SshHost } from "../drivers/ssh-host.js";
import {
  cachedVerdict,
  judgeProbe,
  type MatchedImage,
  PROBE_MS,
  type ProbeVerdict,
  probeArguments,
} from "../images/index.js";

/** Prints what could change the verdict: boot id, kernel, QEMU, and the device. */
const KEY = `cat /proc/sys/kernel/random/boot_id; uname -r
qemu-system-x86_64 --version 2>&1 | head -n 1
stat -c '%a %g' /dev/kvm 2>/dev/null || echo absent
`;
/** The exit code of `timeout` after killing its command. */
const KILLED = 137;

/**
 * Tests whether a guest really runs under KVM on another host, by booting the image's kernel there until its init prints
 * something. libvirt would say yes whenever it can open /dev/kvm. The verdict is cached, as for this host.
 *
 * @throws UserError (exit 3) when the host can't be reached.
 */
export async function remoteKvm(
  host: SshHost,
  image: Pick<MatchedImage, "initrd" | "kernel">,
): Promise<ProbeVerdict> {
  const key = (await host.run(KEY)).stdout;
  const name = `kvm-${createHash("sha256").update(host.address).digest("hex").slice(0, 12)}`;
  if (key.trimEnd().endsWith("absent")) {
    const why = "there is no /dev/kvm: no hardware virtualisation, or not passed on";
    return { works: false, why, seconds: 0 };
  }
  return cachedVerdict(name, key, (accel) => probe(host, image, accel));
}

async function probe(
  host: SshHost,
  { initrd, kernel }: Pick<MatchedImage, "initrd" | "kernel">,
  accel: "kvm" | "tcg",
): Promise<ProbeVerdict> {
  const files = [kernel, initrd].flatMap((file) => ["-C", dirname(file), basename(file)]);
  const archive = await execa("tar", ["-c", "-h", ...files], {
    encoding: "buffer",
    maxBuffer: 512 * 1024 ** 2,
  });
  const folder = await host.unpack(archive.stdout);
  const there = { accel, kernel: `${folder}/${basename(kernel)}`, initrd: `${folder}/${basename(initrd)}` };
  const words = probeArguments(there).map((word) => `'${word}'`);
  const started = Date.now();
  const script = `PATH=$PATH:/usr/sbin
as=; [ -w /dev/kvm ] || as='sudo -n'
$as timeout -s KILL ${PROBE_MS / 1000} qemu-system-x86_64 ${words.join(" ")} </dev/null 2>&1
code=$?
rm -rf '${folder}'
printf '\\nended with %s\\n' $code
`;
  const { stdout } = await host.run(script);
  const timedOut = stdout.trimEnd().endsWith(`ended with ${KILLED}`);
  const printed = stdout.replace(/\nended with \d+\s*$/, "");
  const [works, why] = judgeProbe({ stdout: printed, stderr: "", timedOut }, accel);
  const seconds = Math.round(Date.now() - started) / 1000;
  return { works, why, seconds, ...(timedOut && !works ? { timedOut } : {}) };
}

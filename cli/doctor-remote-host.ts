import { ExitCode } from "../base/errors.js";
import { parseTargets } from "../labs/targets.js";
import { type Context, report } from "./context.js";
import { type Args, flag, text } from "./define-command.js";
import { type FoundByCheck, findAll, findingLines } from "./findings.js";
import { makeReady } from "./make-host-ready.js";

/** `doctor --host`: checks another host over SSH, and gets it ready with --fix. */
export async function examineHost(address: string, args: Args, ctx: Context): Promise<number> {
  const { SshHost } = await import("../drivers/ssh-host.js");
  const { remoteChecks } = await import("../hosts/remote-checks.js");
  const targets = parseTargets(text(args, "on") ?? "");
  const daemons = {
    docker: targets.includes("container"),
    libvirt: targets.includes("guest") || targets.includes("vps"),
  };
  const host = new SshHost(address);
  await host.run("true"); // A host that can't be reached is one error, instead of one per check.
  const checks = remoteChecks(host, daemons);
  if (flag(args, "fix")) await makeReady(ctx, address, checks, flag(args, "yes"));

  const findings: FoundByCheck[] = await findAll(checks);
  const ready = findings.every((f) => f.ok || f.level === "advice");
  const options = [
    ...(daemons.docker ? ["--docker", host.endpoints.docker] : []),
    ...(daemons.libvirt ? ["--libvirt", host.endpoints.libvirt] : []),
  ];
  report(ctx, "doctor", { ready, host: address, checks: findings }, () => [
    ...findingLines(ctx, findings),
    "",
    ready
      ? ctx.style.good(`${address} is ready: trilab up ${options.join(" ")}`)
      : ctx.style.bad(`${address} is not ready: trilab doctor --host ${address} --fix`),
  ]);
  return ready ? ExitCode.done : ExitCode.hostNotReady;
}

import { ExitCode } from "../../base/errors.js";
import { parseTargets } from "../../labs/targets.js";
import { reporting } from "../../model/events.js";
import { type Context, report } from "../context.js";
import { type Args, defineCommand, flag, text, yesOption } from "../define-command.js";
import { examineHost } from "../doctor-remote-host.js";
import { chosenEndpoints, endpointOptions } from "../endpoints.js";
import { findAll, findingLines } from "../findings.js";
import { readyHost } from "../make-host-ready.js";

export const doctor = defineCommand({
  usage: "doctor",
  description: "check what this host has and what it needs, and say how to fix it",
  options: {
    fix: { type: "boolean", describe: "install and start what is missing" },
    host: {
      type: "string",
      describe: "check another host over SSH: ssh://user@host; with --fix, get it ready for seats",
    },
    on: { type: "string", default: "container,guest", describe: "only what these targets need" },
    ...endpointOptions,
    ...yesOption,
  },
  handler: examine,
});

async function examine(args: Args, ctx: Context): Promise<number> {
  const host = text(args, "host");
  if (host !== undefined) return examineHost(host, args, ctx);
  const { checksOf } = await import("../../hosts/checks.js");
  const { inspectEngine, replaceStandIns } = await import("../../engine/index.js");
  const { driversAt, endpointOf } = await import("../../seats/seat-drivers.js");
  const chosen = await chosenEndpoints(args);
  const targets = parseTargets(text(args, "on") ?? "");
  const drivers = driversAt(targets.map((target) => endpointOf(target, undefined, chosen, undefined)));
  if (flag(args, "fix")) {
    await readyHost(ctx, drivers, flag(args, "yes"));
    await ctx.follow(
      reporting((steps) =>
        steps.run({ step: "engine", title: "engine: Pulumi's own plugins" }, replaceStandIns),
      ),
    );
  }

  const findings = await findAll(checksOf(drivers));
  const engine = await inspectEngine();
  const ready = findings.every((f) => f.ok || f.level === "advice");
  report(ctx, "doctor", { ready, checks: findings, engine }, () => {
    const { bad, bold, dim, good } = ctx.style;
    const lines = findingLines(ctx, findings);
    lines.push(
      "",
      bold("Engine"),
      ...engine.tools.map(
        (t) =>
          `  ${t.name} ${t.wanted}: ${t.found ? `${t.found.way} ${dim(t.found.file)}` : "not installed yet (trilab up installs it)"}${t.notes.length > 0 ? ` – ${t.notes.join("; ")}` : ""}`,
      ),
    );
    lines.push("", ready ? good("This host is ready.") : bad("This host is not ready: trilab doctor --fix"));
    return lines;
  });
  return ready ? ExitCode.done : ExitCode.hostNotReady;
}

import { ExitCode, UserError } from "../base/errors.js";
import type { Drivers } from "../drivers/drivers.js";
import type { Check, Finding } from "../hosts/checks.js";
import type { Context } from "./context.js";

/** Checks that `up` does not wait for: they inform. */
const required = (check: Check): boolean => check.level === "required";

/**
 * Makes this host ready for the daemons: what is missing is named, and once the user agrees installed and started.
 *
 * @param yes Don't ask.
 * @throws UserError (exit 3) when something is missing that can't be, or may not be, mended.
 */
export async function readyHost(ctx: Context, drivers: Drivers, yes: boolean): Promise<void> {
  const { CHECKS, relevant } = await import("../hosts/checks.js");
  const checks = CHECKS.filter((check) => required(check) && relevant(check, drivers));
  const first = await Promise.all(
    checks.map(async (check) => ({ check, finding: await check.run(drivers) })),
  );
  const failing = first.filter(({ finding }) => !finding.ok);
  if (failing.length === 0) return;

  const stuck = failing.filter(({ finding }) => finding.repair === undefined);
  if (stuck.length > 0) throw notReady(stuck);
  ctx.tell("This host is not ready yet:");
  for (const { check, finding } of failing)
    ctx.tell(`  ${check.title}: ${finding.found} → ${finding.fix ?? finding.wanted}`);
  if (!yes && (await ctx.confirm("Do that now?")) !== true) {
    throw new UserError("this host is not ready", {
      why: failing.map(({ check, finding }) => `${check.title}: ${finding.found}`).join("\n"),
      fix: "run it again with -y (trilab up -y, trilab doctor --fix -y), or do by hand what is listed above",
      exitCode: ExitCode.hostNotReady,
    });
  }
  await repairAll(ctx, checks, drivers);
}

/** Runs each check in order and mends what it finds, as what is mended first makes the next checks possible. */
export async function repairAll(ctx: Context, checks: readonly Check[], drivers: Drivers): Promise<void> {
  await ctx.tasks.run([
    {
      title: "getting this host ready",
      run: async (progress) => {
        for (const check of checks) {
          const finding = await check.run(drivers);
          if (finding.ok) continue;
          if (!finding.repair) throw notReady([{ check, finding }]);
          await finding.repair(progress);
          const again = await check.run(drivers);
          if (!again.ok) throw notReady([{ check, finding: again }]);
        }
      },
    },
  ]);
}

function notReady(failing: readonly { check: Check; finding: Finding }[]): UserError {
  return new UserError("this host is not ready", {
    why: failing
      .map(({ check, finding }) => `${check.title}: ${finding.found} (wanted: ${finding.wanted})`)
      .join("\n"),
    fix: failing.map(({ finding }) => finding.fix ?? finding.wanted).join("; "),
    exitCode: ExitCode.hostNotReady,
  });
}

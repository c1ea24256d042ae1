import { ExitCode, UserError } from "../base/errors.js";
import type { Drivers } from "../drivers/drivers.js";
import type { Finding, HostCheck } from "../hosts/checks.js";
import { reporting } from "../model/events.js";
import type { Context } from "./context.js";

/** Makes this machine ready for the daemons: see {@link makeReady}. */
export async function readyHost(ctx: Context, drivers: Drivers, yes: boolean): Promise<void> {
  const { checksOf } = await import("../hosts/checks.js");
  await makeReady(ctx, "this host", checksOf(drivers), yes);
}

/**
 * Makes a host ready: lists what is missing, and installs and starts it after the user agrees.
 *
 * @param name The host's name for the user: `this host`, `ssh://root@lab1`.
 * @param yes Don't ask.
 * @throws UserError (exit 3) when something is missing that can't be repaired, or that the user does not want repaired.
 */
export async function makeReady(
  ctx: Context,
  name: string,
  all: readonly HostCheck[],
  yes: boolean,
): Promise<void> {
  // Advice only informs.
  const checks = all.filter(({ level }) => level === "required");
  const first = await Promise.all(checks.map(async (check) => ({ check, finding: await check.run() })));
  const failing = first.filter(({ finding }) => !finding.ok);
  if (failing.length === 0) return;

  const stuck = failing.filter(({ finding }) => finding.repair === undefined);
  if (stuck.length > 0) throw notReady(name, stuck);
  ctx.tell(`${name.replace(/^t/, "T")} is not ready yet:`);
  for (const { check, finding } of failing)
    ctx.tell(`  ${check.title}: ${finding.found} → ${finding.fix ?? finding.wanted}`);
  if (!yes && (await ctx.confirm("Do that now?")) !== true) {
    throw new UserError(`${name} is not ready`, {
      why: failing.map(({ check, finding }) => `${check.title}: ${finding.found}`).join("\n"),
      fix: "run it again with -y (trilab up -y, trilab doctor --fix -y), or do what is listed above by hand",
      exitCode: ExitCode.hostNotReady,
    });
  }
  const title = `getting ${name} ready`;
  await ctx.follow(
    reporting((steps) =>
      steps.run({ step: "repair", title }, async (progress) => {
        // In order, because each repair makes the next checks possible.
        for (const check of checks) {
          const finding = await check.run();
          if (finding.ok) continue;
          if (!finding.repair) throw notReady(name, [{ check, finding }]);
          await finding.repair(progress);
          const again = await check.run();
          if (!again.ok) throw notReady(name, [{ check, finding: again }]);
        }
      }),
    ),
  );
}

function notReady(name: string, failing: readonly { check: HostCheck; finding: Finding }[]): UserError {
  const elsewhere = failing.every(({ finding }) => finding.elsewhere !== undefined);
  return new UserError(elsewhere ? "the seat's host does not answer" : `${name} is not ready`, {
    why: failing
      .map(({ check, finding }) => `${check.title}: ${finding.found} (wanted: ${finding.wanted})`)
      .join("\n"),
    fix: [...new Set(failing.map(({ finding }) => finding.fix ?? finding.wanted))].join("; "),
    exitCode: ExitCode.hostNotReady,
  });
}

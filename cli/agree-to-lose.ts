import { ExitCode, UserError } from "../base/errors.js";
import type { Target } from "../model/naming.js";
import { formatSize } from "../model/units.js";
import type { SeatRecord } from "../seats/seat-record.js";
import type { Context } from "./context.js";

/**
 * Says what a command would delete, and asks. Only a typed yes agrees.
 *
 * @param lost The command in words, and what is lost: "This gives … back as … What is in it now is lost: …"
 * @throws UserError: exit 2 if there is no terminal, exit 1 when the answer is no.
 */
export async function agreeToLose(ctx: Context, lost: string): Promise<void> {
  ctx.tell(ctx.style.warn(lost));
  const answer = await ctx.ask("Go on? Type yes:");
  if (answer !== undefined && /^y(es)?$/i.test(answer)) return;
  throw new UserError("nothing was changed", {
    why: answer === undefined ? `${lost}\nthere is no terminal to ask on` : "you did not say yes",
    fix: "copy out what you need (trilab cp); to go on without a question: --yes",
    exitCode: answer === undefined ? ExitCode.usage : ExitCode.failed,
  });
}

/** What the machines hold now, with its size where that can be measured. */
export async function lostWords(record: SeatRecord, targets: readonly Target[]): Promise<string> {
  const { openMachine } = await import("../seats/open-target.js");
  const held = await Promise.all(
    targets.map(async (target) => {
      const bytes = await (await openMachine(record, target)).disk().catch(() => undefined);
      return `the ${target}'s files${bytes === undefined ? "" : ` (${formatSize(bytes)})`}`;
    }),
  );
  return `What is in ${targets.length > 1 ? "them" : "it"} now is lost: ${held.join(" and ")}.`;
}

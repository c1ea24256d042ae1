import { ExitCode, UserError } from "../../base/errors.js";
import type { LockSeen } from "../../shared/remote-lock.js";
import { classPositional } from "../class-meant.js";
import { type Context, report } from "../context.js";
import { type Args, defineCommand } from "../define-command.js";

export const classUnlock = defineCommand({
  usage: "unlock [class]",
  description: "watch a shared class's locks for 30 seconds, and remove those whose command has ended",
  positionals: classPositional,
  handler: unlock,
});

async function unlock(_: Args, ctx: Context): Promise<number> {
  const { sharedNow } = await import("../../shared/shared-state.js");
  const { holderWords, removeDeadLocks } = await import("../../shared/remote-lock.js");
  const state = sharedNow();
  if (state === undefined) {
    throw new UserError("this class is not shared", {
      why: "locks on this machine end with their command",
      fix: "name a class whose class.yaml has `state`, by its file: trilab class unlock class.yaml",
      exitCode: ExitCode.usage,
    });
  }
  const locks = await removeDeadLocks(state.bucket, { signal: ctx.signal });
  const alive = locks.filter((lock) => lock.state === "alive");
  report(ctx, "class-unlock", { locks }, () => [
    ...locks.map((lock) => line(lock, holderWords(lock.holder), ctx)),
    ...(locks.length === 0 ? ["There are no locks."] : []),
    ...(locks.some(({ state }) => state === "removed")
      ? ["What was interrupted is continued by: trilab class up, or class down"]
      : []),
  ]);
  return alive.length > 0 ? ExitCode.locked : ExitCode.done;
}

function line({ state, unit }: LockSeen, holder: string, { style }: Context): string {
  if (state === "removed") return `${unit}: removed; ${holder}, and shows no life`;
  return state === "released"
    ? `${unit}: its command has finished`
    : style.warn(`${unit}: in use; ${holder}`);
}

import { ExitCode, hasCode, messageOf, UserError } from "../base/errors.js";
import { printable } from "../base/printable.js";
import type { Context } from "./context.js";
import { sourceLines } from "./source-lines.js";

/**
 * Prints an error for people: what, why, how to fix. Only bugs of trilab print a stack.
 *
 * @returns the exit code.
 */
export function explain(thrown: unknown, ctx: Pick<Context, "tell" | "style">): number {
  const { bad, bold, dim } = ctx.style;
  const error = thrown instanceof UserError ? thrown : (fileSystemError(thrown) ?? thrown);
  if (error instanceof UserError) {
    // The text may contain output of a machine.
    ctx.tell(`${bad("error:")} ${bold(printable(error.message))}`);
    for (const line of printable(error.why ?? "").split("\n")) if (line) ctx.tell(`  ${line}`);
    if (error.fix) ctx.tell(`${dim("fix:")} ${printable(error.fix)}`);
    if (process.env.TRILAB_DEBUG && error.cause) {
      ctx.tell(sourceLines(String(error.cause instanceof Error ? error.cause.stack : error.cause)));
    }
    return error.exitCode;
  }
  ctx.tell(`${bad("error:")} ${bold("something went wrong in trilab itself")}`);
  ctx.tell(printable(sourceLines(error instanceof Error ? (error.stack ?? error.message) : String(error))));
  ctx.tell(`${dim("fix:")} please report this with the lines above; \`trilab down\` still removes the seat`);
  return ExitCode.failed;
}

/** The user can fix what the file system refuses, so these errors become a UserError wherever they occur. */
function fileSystemError(error: unknown): UserError | undefined {
  const details = { why: messageOf(error), exitCode: ExitCode.hostNotReady, cause: error };
  if (hasCode(error, "ENOSPC", "EDQUOT")) {
    return new UserError("the disk is full: no space left", {
      ...details,
      fix: "free some space and run the command again; it continues where it stopped",
    });
  }
  if (hasCode(error, "EACCES", "EPERM", "EROFS", "ENOTDIR", "EEXIST")) {
    return new UserError("trilab can't use its state or cache directory", {
      ...details,
      fix: "check owner and permissions of the path above, or choose other directories with XDG_STATE_HOME and XDG_CACHE_HOME",
    });
  }
  return undefined;
}

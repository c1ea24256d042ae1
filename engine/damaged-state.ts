import { ExitCode, UserError } from "../base/errors.js";

export function damagedState(stack: string, where: string, cause?: unknown): UserError {
  return new UserError(`the state of "${stack}" cannot be read`, {
    why: `${where} is truncated or garbled (a full disk or a crash while it was written)`,
    fix: `run \`trilab down --by-label\`: it finds what the seat left by its labels, without the state. The last good copy may be ${where}.bak`,
    exitCode: ExitCode.failed,
    cause,
  });
}

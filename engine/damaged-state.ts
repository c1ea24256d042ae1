import { ExitCode, UserError } from "../base/errors.js";

export function damagedState(stack: string, where: string, cause?: unknown): UserError {
  return new UserError(`the state of "${stack}" cannot be read`, {
    why: `${where} is truncated or garbled: perhaps the disk was full, or trilab was killed while it was written`,
    fix: `run \`trilab down --by-label\`, which finds the seat's machines by their labels, without the state. ${where}.bak may be a good copy`,
    exitCode: ExitCode.failed,
    cause,
  });
}

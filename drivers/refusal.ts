import { hasCode, UserError } from "../base/errors.js";
import { VirshError } from "./libvirt/virsh.js";

/**
 * Whether an error of a daemon is no silence: the daemon or its host refuses us, or this computer lacks what it needs to ask. Then
 * the machines there may well run. Pure.
 */
export function isRefusal(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return (
    error instanceof VirshError ||
    "statusCode" in error ||
    hasCode(error, "EACCES", "EPERM") ||
    REFUSALS.test([error.message, error instanceof UserError ? error.why : ""].join("\n")) ||
    isRefusal(error.cause)
  );
}

/** What ssh, libvirt, TLS and Docker say. A connection that is refused is none of them: nothing listens there. */
const REFUSALS = new RegExp(
  [
    "permission denied|access denied|not permitted|unauthori[sz]ed|not authori[sz]ed|polkit",
    "host key verification failed|host identification has changed|too many authentication failures",
    "authentication (failed|unavailable|required)|no supported authentication methods",
    "certificate|is no manager of a swarm",
    "spawn \\S+ ENOENT|there is no virsh",
  ].join("|"),
  "i",
);

import { isIPv4 } from "node:net";
import { ExitCode, messageOf, UserError } from "../base/errors.js";

/** AWS's service that returns the caller's public address. */
const ECHO = "https://checkip.amazonaws.com";

/** Adds /32 to an IPv4 address if it is missing. @throws UserError (exit 2) when it is something else. */
export function singleAddress(given: string): string {
  const [address = "", prefix = "32"] = given.split("/");
  if (isIPv4(address) && prefix === "32") return `${address}/32`;
  throw new UserError(`"${given}" is not a single IPv4 address`, {
    why: "SSH to the VPS is open to only one address",
    fix: "for example: 203.0.113.7",
    exitCode: ExitCode.usage,
  });
}

/**
 * The only address that may reach a rented machine, with /32: the given one, else this machine's public one.
 *
 * @param given IPv4 address, with or without /32.
 * @throws UserError: exit 2 when the given one is not a single IPv4 address, exit 1 when the public one can't be found.
 */
export async function sshFromAddress(given: string | undefined): Promise<string> {
  if (given !== undefined) return singleAddress(given);
  let why: string;
  try {
    const answer = await fetch(ECHO, { signal: AbortSignal.timeout(5_000) });
    const address = (await answer.text()).trim();
    if (isIPv4(address)) return `${address}/32`;
    why = `${ECHO} said ${JSON.stringify(address.slice(0, 60))}`;
  } catch (error) {
    why = `${ECHO} did not answer: ${messageOf(error)}`;
  }
  throw new UserError("your public address could not be found", {
    why: `${why}; without it the VPS's firewall would have to be open to everybody`,
    fix: "give it: trilab up --ssh-from ADDRESS (TRILAB_SSH_FROM)",
  });
}

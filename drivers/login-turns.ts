import { Gate } from "../base/gate.js";

/**
 * How many connections to one daemon log in at once. A host's sshd refuses some when more than ten do (MaxStartups), and
 * the engine's plugins, `docker exec` and logins to a guest also need some.
 */
const AT_ONCE = 3;
/** How long a login may take until it no longer keeps others waiting, in milliseconds. Not every client can tell when it is done. */
const LOGIN_MS = 10_000;

const gates = new Map<string, Gate>();

/** Waits until one more connection to this daemon may log in. @returns to be called when it has. */
export async function loginTurn(daemon: string): Promise<() => void> {
  const gate = gates.get(daemon) ?? new Gate(AT_ONCE);
  gates.set(daemon, gate);
  const leave = await gate.enter();
  const late = setTimeout(leave, LOGIN_MS);
  return () => {
    clearTimeout(late);
    leave();
  };
}

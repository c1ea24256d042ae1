import { Gate } from "../base/gate.js";

/**
 * How many connections to one daemon log in at once. A host's sshd refuses some when more than ten do (MaxStartups), and
 * the engine's plugins, `docker exec` and logins to a guest also need some.
 */
const AT_ONCE = 3;

const gates = new Map<string, Gate>();

/** Waits until one more connection to this daemon may log in. @returns to be called when it has. */
export function loginTurn(daemon: string): Promise<() => void> {
  const gate = gates.get(daemon) ?? new Gate(AT_ONCE);
  gates.set(daemon, gate);
  return gate.enter();
}

import { connect } from "node:net";
import { hasCode } from "../base/errors.js";

/**
 * Whether the kernel of a machine answers at this address: it accepts or refuses a connection. For a machine that boots: to an address
 * where nobody is, a connection fails only after three seconds, and so an `ssh` would miss the moment.
 *
 * @param limitMs How long the answer may take, in milliseconds.
 */
export function addressAnswers(host: string, port: number, limitMs = 300): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (answers: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answers);
    };
    const timer = setTimeout(() => end(false), limitMs);
    socket.once("connect", () => end(true));
    socket.once("error", (error) => end(hasCode(error, "ECONNREFUSED")));
  });
}

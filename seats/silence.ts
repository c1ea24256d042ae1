import { ExitCode, UserError } from "../base/errors.js";
import type { Drivers } from "../drivers/drivers.js";
import type { AskDaemons } from "../engine/index.js";
import { endpointWords } from "../model/endpoint.js";

/** How long a daemon may take to answer, in milliseconds. On a busy host, through ssh, it takes many seconds. */
const ANSWER_MS = 60_000;

/**
 * Asks the daemons with which an engine works; AWS's requests have limits of their own. A daemon that refuses is not silent:
 * the engine is refused, too, and says why.
 */
export const silenceOf =
  ({ docker, libvirt }: Pick<Drivers, "docker" | "libvirt">, answerMs = ANSWER_MS): AskDaemons =>
  async () => {
    const silences = await Promise.all(
      [docker, libvirt].map(async (driver) => {
        if (driver === undefined) return undefined;
        const limit = AbortSignal.timeout(answerMs);
        return driver.preflight(answerMs).then(
          () => undefined,
          () => (limit.aborted ? stoppedAnswering(endpointWords(driver.endpoint)) : undefined),
        );
      }),
    );
    return silences.find((silence) => silence !== undefined);
  };

const stoppedAnswering = (daemon: string): UserError =>
  new UserError(`${daemon} has stopped answering`, {
    why: "it did not answer two questions in a row, so the engine was ended in the middle of a step",
    fix: "restart it, or check the network; then run the command again: the state is kept, and it goes on from there",
    exitCode: ExitCode.hostNotReady,
  });

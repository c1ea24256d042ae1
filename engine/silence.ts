import type { UserError } from "../base/errors.js";

/** Asks the daemons that a stack needs. @returns the error of one that is silent; `undefined`: all answer. Must not throw. */
export type AskDaemons = () => Promise<UserError | undefined>;

/** The pause before each question, in milliseconds. */
const EVERY_MS = 20_000;

/**
 * Asks daemons whether they still answer, as long as an engine works with them: the official plugins wait for a daemon without a limit.
 *
 * @param found Called once, when a daemon was silent twice in a row. One silence may be a restart, or a very busy host.
 * @returns ends the watch.
 */
export function watchDaemons(
  ask: AskDaemons,
  found: (silence: UserError) => void,
  everyMs = EVERY_MS,
): () => void {
  let isOver = false;
  let wasSilent = false;
  const look = async (): Promise<void> => {
    const silence = await ask();
    if (isOver) return;
    if (silence && wasSilent) return found(silence);
    wasSilent = silence !== undefined;
    timer = setTimeout(look, everyMs);
  };
  let timer = setTimeout(look, everyMs);
  return () => {
    isOver = true;
    clearTimeout(timer);
  };
}

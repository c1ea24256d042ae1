/*
 * Whether something in this process wants to finish its step when interrupted: an engine operation, a measurement. Whoever
 * handles signals asks here; counting signal listeners would count those that libraries add for their child processes.
 */
let steps = 0;

/** Whether an interrupt is to be waited for; if not, the process may end at once. */
export const finishesItsStep = (): boolean => steps > 0;

/** Counts work in that heeds an interrupt by itself; call what it returns when the work is over. */
export function interruptible(): () => void {
  steps += 1;
  return () => {
    steps -= 1;
  };
}

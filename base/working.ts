/*
 * Work in this process that handles SIGINT itself: an engine operation, a measurement. The signal handler checks here.
 * Counting signal listeners would include those of libraries.
 */
const steps = new Set<{ endNow: () => Promise<void> }>();

/** Whether to wait for such work after an interrupt; if not, the process may end at once. */
export const finishesItsStep = (): boolean => steps.size > 0;

/**
 * Registers work that handles SIGINT. Call the returned function when the work is over.
 *
 * @param endNow Ends the work's child processes at once, because the user does not want to wait.
 */
export function interruptible(endNow: () => Promise<void> = async () => {}): () => void {
  const step = { endNow };
  steps.add(step);
  return () => {
    steps.delete(step);
  };
}

/** Ends all such work now. Afterwards, this process can exit without leaving a child process. */
export async function endStepsNow(): Promise<void> {
  await Promise.allSettled([...steps].map((step) => step.endNow()));
}

/*
 * Work in this process that handles SIGINT itself: an engine operation, a measurement. Whoever handles signals asks here;
 * counting signal listeners would count those that libraries add for their child processes.
 */
const steps = new Set<{ endNow: () => Promise<void> }>();

/** Whether to wait for such work after an interrupt; if not, the process may end at once. */
export const finishesItsStep = (): boolean => steps.size > 0;

/**
 * Registers work that handles SIGINT; call what it returns when the work is over.
 *
 * @param endNow Ends the work's child processes in the middle of what they do: the user does not want to wait.
 */
export function interruptible(endNow: () => Promise<void> = async () => {}): () => void {
  const step = { endNow };
  steps.add(step);
  return () => {
    steps.delete(step);
  };
}

/** Ends all such work now; this process may exit afterwards, and leaves no child process behind. */
export async function endStepsNow(): Promise<void> {
  await Promise.allSettled([...steps].map((step) => step.endNow()));
}

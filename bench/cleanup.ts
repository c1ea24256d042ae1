/** What is to be undone when the bench ends, however it ends; the last first. */
export class Cleanup {
  private readonly steps: { what: string; undo: () => Promise<void> }[] = [];

  add(what: string, undo: () => Promise<void>): void {
    this.steps.push({ what, undo });
  }

  /** Undoes everything; a step that fails does not keep the others from it. @returns what failed. */
  async run(): Promise<string[]> {
    const failed: string[] = [];
    for (let step = this.steps.pop(); step !== undefined; step = this.steps.pop()) {
      const { undo, what } = step;
      await undo().catch((error: unknown) => failed.push(`${what}: ${String(error)}`));
    }
    return failed;
  }
}

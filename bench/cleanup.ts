/** The cleanup steps that run when the bench ends, also after an error. The last added step runs first. */
export class Cleanup {
  private readonly steps: { what: string; undo: () => Promise<void> }[] = [];

  add(what: string, undo: () => Promise<void>): void {
    this.steps.push({ what, undo });
  }

  /** Runs all steps, also if one fails. @returns what failed. */
  async run(): Promise<string[]> {
    const failed: string[] = [];
    for (let step = this.steps.pop(); step !== undefined; step = this.steps.pop()) {
      const { undo, what } = step;
      await undo().catch((error: unknown) => failed.push(`${what}: ${String(error)}`));
    }
    return failed;
  }
}

/** How long-running work reports what it does. The CLI draws it; tests and plain programs may ignore it. */
export interface Progress {
  /** What is being done now, in a few words: "building the Terraform bridge (about 3 min)". */
  update(text: string): void;
  /** A line that stays visible after the work. */
  note(text: string): void;
}

export const silent: Progress = { update: () => {}, note: () => {} };

/** Prints only notes, on standard error: for plain Pulumi programs. */
export const stderrProgress: Progress = {
  update: () => {},
  note: (text) => void process.stderr.write(`${text}\n`),
};

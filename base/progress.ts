/** How long work tells what it is doing. The CLI draws it; tests and plain programs may ignore it. */
export interface Progress {
  /** What is being done now, in a few words: "building the Terraform bridge (about 3 min)". */
  update(text: string): void;
  /** A line worth keeping once the work is over. */
  note(text: string): void;
}

export const silent: Progress = { update: () => {}, note: () => {} };

/** Only what is worth keeping, on standard error: for plain Pulumi programs. */
export const stderrProgress: Progress = {
  update: () => {},
  note: (text) => void process.stderr.write(`${text}\n`),
};

import type { ProbeResult, RunDocument } from "../probes/run-document.js";

/** What a learner has solved of a lab's tasks, as tasks/score.ts counts it. */
export interface Solved {
  points: number;
  max: number;
  tasks: readonly { id: string; title: string; standing: string; points: number; max: number }[];
}

/** What is known of runs besides their documents, by their ids. */
export interface Known {
  /** The runs whose guesses were made after a run of the seat could be seen. */
  late?: ReadonlySet<string>;
  solved?: ReadonlyMap<string, Solved>;
}

/** A run on a page. Its letter identifies it in plots. */
export interface ShownRun {
  /** A, B, C … */
  letter: string;
  run: RunDocument;
  /** The guesses were made after a run of the seat could be seen. */
  guessedLate: boolean;
  /** Absent: nothing was tried, or it is not known. */
  solved?: Solved | undefined;
}

export function letterRuns(runs: readonly RunDocument[], { late, solved }: Known = {}): ShownRun[] {
  return runs.map((run, i) => ({
    letter: i < 26 ? String.fromCharCode(65 + i) : `R${i + 1}`,
    run,
    guessedLate: late?.has(run.id) ?? false,
    solved: solved?.get(run.id),
  }));
}

/** One probe, and its result in each run that has it. */
export interface ShownProbe {
  probe: ProbeResult;
  parts: { shown: ShownRun; probe: ProbeResult }[];
}

/** The probes of all runs, in the runs' order. */
export function probesOf(runs: readonly ShownRun[]): ShownProbe[] {
  const found = new Map<string, ShownProbe>();
  for (const shown of runs) {
    for (const probe of shown.run.probes) {
      const one = found.get(probe.id) ?? { probe, parts: [] };
      one.parts.push({ shown, probe });
      found.set(probe.id, one);
    }
  }
  return [...found.values()];
}

/** `container on lab1, guest on lab2`: the targets on other hosts than the one that trilab ran on; `undefined` if none was. */
export function elsewhereWords({ elsewhere = {}, targets }: RunDocument): string | undefined {
  const others = targets.flatMap((t) => (elsewhere[t] === undefined ? [] : [`${t} on ${elsewhere[t]}`]));
  return others.length > 0 ? others.join(", ") : undefined;
}

/** A title without its explanation: `Start, until it answers` → `Start`. */
export const shortTitle = (title: string): string => title.split(/[,:(]/)[0]?.trim() || title;

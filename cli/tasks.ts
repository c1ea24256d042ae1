import type { Progress } from "../base/progress.js";
import { formatDuration } from "../model/units.js";

/** One piece of work with a title of its own. */
export interface Task {
  title: string;
  run(progress: Progress): Promise<void>;
}

/** Runs pieces of work and shows them. */
export interface Tasks {
  /** One after the other, or all at once. The first failure is thrown when none is running any more. */
  run(tasks: readonly Task[], options?: { concurrent?: boolean }): Promise<void>;
}

/** Seconds after which a line-wise display says again what it waits for. */
const HEARTBEAT = 30;

/** A display of one line a task, redrawn in place. */
export function terminalTasks(stream: NodeJS.WriteStream): Tasks {
  return {
    async run(tasks, options = {}) {
      const { Listr, ListrLogger, PRESET_TIMER, ProcessOutput } = await import("listr2");
      const notes: string[] = [];
      const list = new Listr(
        tasks.map(({ title, run }) => ({
          title,
          task: async (_: unknown, handle: { output: string }) => {
            await run({
              update: (line) => {
                handle.output = line;
              },
              note: (line) => notes.push(line),
            });
          },
        })),
        {
          concurrent: options.concurrent ?? false,
          exitOnError: true,
          registerSignalListeners: false,
          rendererOptions: {
            logger: new ListrLogger({ processOutput: new ProcessOutput(stream, stream) }),
            timer: { ...PRESET_TIMER, condition: (ms: number) => ms >= 1000 },
            collapseErrors: true,
            showErrorMessage: false,
            removeEmptyLines: true,
            formatOutput: "truncate",
          },
        },
      );
      try {
        await list.run();
      } finally {
        for (const line of notes) stream.write(`  ${line}\n`);
      }
    },
  };
}

/** Lines for a log: a task's start, what it says when that is news, its end. Nothing at all for work under a second. */
export function lineTasks(write: (line: string) => void): Tasks {
  return {
    async run(tasks, options = {}) {
      const one = async ({ title, run }: Task): Promise<void> => {
        const started = Date.now();
        let doing = "";
        let said = false;
        const say = (line: string): void => {
          said = true;
          write(line);
        };
        const seconds = (): number => (Date.now() - started) / 1000;
        const first = setTimeout(() => say(`${title} …`), 1000);
        const beat = setInterval(
          () => say(`${title}: ${doing || "working"} (${formatDuration(seconds())})`),
          HEARTBEAT * 1000,
        );
        try {
          await run({
            update: (line) => {
              doing = line;
            },
            note: (line) => write(`  ${line}`),
          });
          if (said) write(`${title}: done in ${seconds().toFixed(1)} s`);
        } finally {
          clearTimeout(first);
          clearInterval(beat);
        }
      };
      if (options.concurrent !== true) {
        for (const task of tasks) await one(task);
        return;
      }
      const ends = await Promise.allSettled(tasks.map(one));
      const failed = ends.find((end) => end.status === "rejected");
      if (failed) throw failed.reason;
    },
  };
}

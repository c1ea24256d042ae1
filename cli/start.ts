import { ExitCode, messageOf, UserError } from "../base/errors.js";
import { sweepScratch } from "../base/scratch.js";
import { endStepsNow, finishesItsStep } from "../base/working.js";
import { sweepClaims } from "../drivers/connection-claims.js";
import { sweepBaselines } from "../probes/baseline-leftovers.js";
import { explain } from "./explain.js";
import { terminalContext } from "./terminal-context.js";

// Only their owner may read state, keys and checkpoints; Pulumi writes its checkpoints with 0666 & ~umask.
process.umask(0o077);

const argv = process.argv.slice(2);
const interrupt = new AbortController();
const ctx = terminalContext(argv.includes("--json"), interrupt.signal);

// The first Ctrl-C lets the engine finish its step (engine/ handles it, too). The second ends the engine. The third ends only this process.
let interrupts = 0;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    interrupts += 1;
    interrupt.abort();
    if (!finishesItsStep() || interrupts > 2) process.exit(ExitCode.interrupted);
    if (interrupts === 2) {
      void endStepsNow().then(() => process.exit(ExitCode.interrupted));
      return;
    }
    ctx.tell("interrupted: finishing the current step (Ctrl-C again ends it now)");
  });
}
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  // A reader that closed the pipe (`trilab labs ls | head -1`) is not a failure. A command that repeats itself ends.
  if (error.code === "EPIPE") {
    if (!finishesItsStep()) interrupt.abort();
    return;
  }
  const unwritten = new UserError("standard output can't be written", {
    why: error.message,
    fix: "free some space, or send the output elsewhere",
  });
  process.exit(explain(unwritten, ctx));
});

// Messages that nobody reads any more do not stop the work. There is nowhere to report another failure.
process.stderr.on("error", () => {});

const exitCode = await run().catch((error: unknown) =>
  // A wait that the interrupt ended throws the signal's reason; the user was told above.
  interrupt.signal.aborted && error === interrupt.signal.reason ? ExitCode.interrupted : explain(error, ctx),
);
// Last, after the engine of a killed command has ended. What can't be removed now, a later command removes.
await sweepClaims().catch(() => {});
await sweepScratch().catch(() => {});
await sweepBaselines().catch(() => {});
// Report a failed write before the process ends.
await new Promise<void>((resolve) => process.stdout.write("", () => resolve()));
process.exit(interrupts > 0 ? ExitCode.interrupted : exitCode);

async function run(): Promise<number> {
  requireWorkingDirectory();
  // yargs asks for the working directory when it is loaded.
  const { main } = await import("./main.js");
  return main(argv, () => ctx);
}

/** @throws UserError (exit 2) when the folder that the command was called in is gone. */
function requireWorkingDirectory(): void {
  try {
    process.cwd();
  } catch (error) {
    throw new UserError("the current directory is gone", {
      why: messageOf(error),
      fix: "change to another: cd",
      exitCode: ExitCode.usage,
    });
  }
}

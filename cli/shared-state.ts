import { ExitCode, UserError } from "../base/errors.js";
import type { SharedState } from "../shared/shared-state.js";
import type { Context } from "./context.js";
import { type Args, text } from "./define-command.js";

// main.ts imports this file, so heavy modules are imported in the functions.

/** Runs a command in a shared state; without a URL, in this user's own state directory. @throws UserError as openState does. */
export async function inState(
  url: string | undefined,
  { create, ctx }: { create: boolean; ctx: Context },
  body: () => Promise<number | undefined>,
): Promise<number | undefined> {
  if (!url) return body();
  const { notes, state } = await open(url, create);
  for (const note of notes) ctx.tell(note);
  return state.run(body);
}

/** A class on record on this machine: in its own state directory, or in its copy of a shared state. */
interface Known {
  name: string;
  /** Absent: it is not shared. */
  url?: string | undefined;
  ended?: string | undefined;
}

/**
 * The URL of the shared state that has the class which a command is about: a class.yaml says it, and so does a class on
 * record on this machine.
 *
 * @throws UserError (exit 2) when it could be one of several.
 */
export async function stateOfClass(args: Args): Promise<string | undefined> {
  const word = text(args, "class");
  if (word !== undefined && /\.ya?ml$/.test(word)) {
    const { readClassFile } = await import("../classes/define-class.js");
    return (await readClassFile(word)).state;
  }
  const meant = async (): Promise<Known[]> =>
    (await knownClasses()).filter(({ name }) => word === undefined || name === word);
  let known = await meant();
  if (known.length === 0) {
    await refreshAll(); // Another instructor may just have made it.
    known = await meant();
  }
  const up = known.filter(({ ended }) => ended === undefined);
  if (new Set(up.map(({ url }) => url)).size > 1) {
    throw new UserError(
      word === undefined ? "several classes are up" : `there are several classes "${word}"`,
      {
        why: up
          .map(({ name, url }) => `${name}: ${url === undefined ? "of this machine" : `in ${url}`}`)
          .join("\n"),
        fix: "name one by its file: trilab class status class.yaml; or set TRILAB_STATE to a shared state",
        exitCode: ExitCode.usage,
      },
    );
  }
  const [last] = known.sort((a, b) => ((a.ended ?? "") < (b.ended ?? "") ? 1 : -1));
  return (up[0] ?? last)?.url;
}

/** @throws UserError (exit 3) when a shared state does not answer: it may have what is missing here. */
async function refreshAll(): Promise<void> {
  const { knownStates } = await import("../shared/open-state.js");
  for (const { url } of await knownStates()) await open(url);
}

async function open(url: string, create = false): Promise<{ state: SharedState; notes: string[] }> {
  const { openState } = await import("../shared/open-state.js");
  return openState(url, {
    create,
    endInterrupted: async (unit) => (await import("../engine/index.js")).endOrphansOf(unit),
  });
}

async function knownClasses(): Promise<Known[]> {
  const { knownStates } = await import("../shared/open-state.js");
  const { inStateDir, ownStateDir } = await import("../base/paths.js");
  const { classNames, readClass } = await import("../classes/class-record.js");
  const states = [{ url: undefined, dir: ownStateDir() }, ...(await knownStates())];
  const classes = states.map(({ dir, url }) =>
    inStateDir(dir, async () => {
      const records = await Promise.all(
        // A damaged record is reported by the command itself.
        (await classNames()).map((name) => readClass(name).catch(() => ({ name, ended: undefined }))),
      );
      return records.flatMap((record) => (record ? [{ name: record.name, ended: record.ended, url }] : []));
    }),
  );
  return (await Promise.all(classes)).flat();
}

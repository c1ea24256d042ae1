import { ExitCode, messageOf, UserError } from "../../base/errors.js";
import { interruptible } from "../../base/working.js";
import { classMeant, classPositional } from "../class-meant.js";
import { type Context, report } from "../context.js";
import { type Args, defineCommand, text } from "../define-command.js";

/** Where it listens if nothing is said. */
const LISTEN = "0.0.0.0:2222";

/** How often it looks what other instructors have changed, in milliseconds. */
const REFRESH_MS = 30_000;

export const classServe = defineCommand({
  usage: "serve [class]",
  description:
    "let learners in by SSH, each to their own machines and nowhere else, until Ctrl-C; their keys are in the cards",
  positionals: classPositional,
  options: {
    listen: { type: "string", default: LISTEN, describe: "the address and port to listen on" },
  },
  examples: [
    ["trilab class serve --listen 0.0.0.0:2222", "then: ssh -p 2222 -i KEY learner-01.guest@THIS_HOST"],
  ],
  handler: serve,
});

async function serve(args: Args, ctx: Context): Promise<undefined> {
  const [address, port] = listenAt(text(args, "listen") ?? LISTEN);
  const record = await classMeant(args);
  const { openEntry } = await import("../../classes/ssh-entry.js");
  const entry = await openEntry(record.name, { address, port, log: (line) => ctx.tell(line) }).catch(
    (error: unknown) => {
      throw new UserError(`can't listen on ${address}:${port}`, {
        why: messageOf(error),
        fix: "choose another port: --listen 0.0.0.0:2223",
        exitCode: ExitCode.hostNotReady,
        cause: error,
      });
    },
  );
  // After Ctrl-C, the learners' sessions are still ended.
  const over = interruptible();
  report(
    ctx,
    "class-serve",
    { class: record.name, address, port: entry.port, hostKey: entry.hostKey },
    () => [
      `Learners of class ${record.name} come in at port ${entry.port}: ssh -p ${entry.port} -i KEY SEAT@THIS_HOST`,
      ctx.style.dim(`  for their keys: trilab class cards FOLDER ${record.name}; to end: Ctrl-C`),
    ],
  );
  // Other instructors may change the seats meanwhile. What fails now is tried again.
  const { refreshShared } = await import("../../shared/shared-state.js");
  const looking = setInterval(() => void refreshShared().catch(() => {}), REFRESH_MS);
  await new Promise<void>((resolve) => {
    if (ctx.signal.aborted) resolve();
    ctx.signal.addEventListener("abort", () => resolve());
  });
  clearInterval(looking);
  await entry.close();
  over();
  return undefined;
}

/** `address:port`, `[address]:port`. @throws UserError (exit 2) for anything else. */
function listenAt(word: string): [string, number] {
  const [, address, port] = /^(?:\[(?=.*\]))?([^[\]]+?)\]?:(\d+)$/.exec(word) ?? [];
  if (address !== undefined && Number(port) <= 65_535) return [address, Number(port)];
  throw new UserError(`"${word}" is not an address with a port`, {
    why: "--listen takes both",
    fix: `for example: --listen ${LISTEN}, or [::]:2222`,
    exitCode: ExitCode.usage,
  });
}

import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { ExitCode, messageOf, UserError } from "../base/errors.js";
import { columns } from "../cli/context.js";
import { type Case, makeCases } from "./cases.js";
import { Cleanup } from "./cleanup.js";
import { type Contestant, Figures } from "./figures.js";
import { LINES } from "./lines.js";
import { load, machineFacts } from "./machine.js";
import { installPeers, peersMissing } from "./peers/install.js";
import { aborted } from "./run.js";
import { closeScene, leftovers, openScene } from "./scene.js";
import { lineData, tableLines } from "./table.js";

const USAGE = `npm run bench -- [options]: measures trilab's speed beside raw tools and other tools

  --runs N         how many rounds to measure, after one to warm up; default 5
  --only a,b,…     measure only these lines: ${[...new Set(LINES.map((l) => l.letter))].join(", ")}
  --json FILE      also write all figures to this file
  --install-peers  first install vagrant with vagrant-libvirt, with apt-get`;

interface Request {
  runs: number;
  letters: readonly string[];
  json: string | undefined;
  install: boolean;
}

function request(): Request | undefined {
  const { values } = parseArgs({
    options: {
      runs: { type: "string", default: "5" },
      only: { type: "string" },
      json: { type: "string" },
      "install-peers": { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return undefined;
  const runs = Number(values.runs);
  if (!Number.isInteger(runs) || runs < 1) throw usage(`--runs ${values.runs} is not a number of rounds`);
  const known = [...new Set(LINES.map((line) => line.letter))];
  const letters = values.only?.split(",").map((letter) => letter.trim()) ?? known;
  const unknown = letters.filter((letter) => !known.includes(letter));
  if (unknown.length > 0)
    throw usage(`--only ${unknown.join(",")}: there are only the lines ${known.join(", ")}`);
  return { runs, letters, json: values.json, install: values["install-peers"] };
}

const usage = (what: string): UserError =>
  new UserError(what, { fix: "see npm run bench -- --help", exitCode: ExitCode.usage });

const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** Runs the bench. @returns whether nothing is left of it. */
async function bench(asked: Request): Promise<boolean> {
  if (asked.install) await installPeers(say);
  const cleanup = new Cleanup();
  const figures = new Figures();
  const scene = await openScene();
  cleanup.add("the bench's folders", () => closeScene(scene));
  const began = { at: new Date().toISOString(), load: load() };
  let failure: unknown;
  try {
    await measure(asked, makeCases(scene, cleanup), figures);
  } catch (error) {
    failure = error;
    say(aborted.signal.aborted ? "interrupted: cleaning up" : `failed: ${messageOf(error)}\ncleaning up`);
  }
  const ended = { at: new Date().toISOString(), load: load() };
  for (const problem of await cleanup.run()) say(`could not clean up ${problem}`);
  const left = await leftovers(scene);
  for (const missing of peersMissing()) figures.note(missing);
  await print(asked, figures, { began, ended, left });
  if (failure !== undefined) throw failure;
  return left.length === 0;
}

async function measure(asked: Request, cases: readonly Case[], figures: Figures): Promise<void> {
  const lines = LINES.filter((line) => asked.letters.includes(line.letter)).map((line) => line.id);
  for (const { contestants, name, roundsPerRun } of cases) {
    let taking = contestants.filter((c) => c.lines.some((line) => lines.includes(line)));
    const turn = async (doing: string, step: (contestant: Contestant) => Promise<void> | undefined) => {
      for (const contestant of taking) {
        say(`${name}, ${doing}: ${contestant.name}`);
        try {
          await step(contestant);
        } catch (error) {
          if (aborted.signal.aborted || contestant.optional !== true) throw error;
          figures.note(`${contestant.name} failed and was left out (${doing}): ${messageOf(error)}`);
          taking = taking.filter((other) => other !== contestant);
        }
      }
    };
    await turn("getting ready", (contestant) => contestant.prepare?.());
    const rounds = asked.runs * roundsPerRun;
    for (let round = 0; taking.length > 0 && round <= rounds; round++) {
      figures.keep = round > 0;
      await turn(round === 0 ? "warm-up" : `round ${round} of ${rounds}`, (contestant) =>
        contestant.round(figures),
      );
    }
  }
}

interface Moment {
  at: string;
  load: number;
}

async function print(
  asked: Request,
  figures: Figures,
  run: { began: Moment; ended: Moment; left: string[] },
): Promise<void> {
  const facts = await machineFacts();
  const { began, ended, left } = run;
  if (began.load > 0.5)
    figures.note(
      `the host was busy before the bench began (load ${began.load.toFixed(2)}): figures are too high`,
    );
  for (const line of columns(facts.map(([what, value]) => [what, value]))) console.log(line);
  console.log(
    `load         ${began.load.toFixed(2)} before (${began.at}), ${ended.load.toFixed(2)} after (${ended.at})\n`,
  );
  for (const line of tableLines(figures)) console.log(line);
  console.log(
    "\nOne machine at a time, in turns, after a round to warm up. ×: trilab's median divided by the other's.",
  );
  for (const note of figures.notes) console.log(`note: ${note}`);
  console.log(left.length === 0 ? "Nothing is left of the bench." : `left: ${left.join("\nleft: ")}`);
  if (asked.json === undefined) return;
  const data = {
    schema: 1,
    kind: "bench",
    ...run,
    machine: Object.fromEntries(facts),
    lines: lineData(figures),
  };
  await writeFile(asked.json, `${JSON.stringify({ ...data, notes: figures.notes }, null, 2)}\n`);
}

for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.on(signal, () => aborted.abort(new Error("interrupted")));
try {
  const asked = request();
  if (asked === undefined) console.log(USAGE);
  else if (!(await bench(asked))) process.exitCode = ExitCode.residue;
} catch (error) {
  say(
    error instanceof UserError
      ? [error.message, error.why, error.fix].filter(Boolean).join("\n")
      : String(error),
  );
  process.exitCode = aborted.signal.aborted
    ? ExitCode.interrupted
    : error instanceof UserError
      ? error.exitCode
      : ExitCode.failed;
}
// Something may still wait for a guest that is gone; the process must end nevertheless.
process.exit();

import { UserError } from "../base/errors.js";
import { resultsOf } from "../base/results-of.js";
import type { Lab } from "../labs/define-lab.js";
import { type LabScript, labScript } from "../labs/lab-files.js";
import { reporting, type StepEvent } from "../model/events.js";
import type { Target } from "../model/naming.js";
import { type SeatRecord, targetsOf } from "../seats/seat-record.js";
import { limitIn, valuesOf } from "./check.js";
import { runInTarget } from "./run-lab-script.js";

/** Seconds that a lab's setup may take in a target. */
const SETUP_LIMIT = 300;

/** Says inside a target that the lab's setup was done: it may break things that a learner then repairs. */
const DONE = "/var/lib/trilab/lab-is-set-up";

/**
 * Runs the lab's setup.sh in every target of the seat that it was not run in. A target that was made anew is set up anew.
 *
 * @returns the targets that were set up now.
 * @throws UserError when the setup fails: the seat is not ready.
 */
export const setUpLab = (
  record: SeatRecord,
  lab: Lab,
  signal?: AbortSignal,
): AsyncGenerator<StepEvent, Target[]> =>
  reporting(async (steps) => {
    const scripts = await Promise.all(
      targetsOf(record).map(async (target) => {
        const script = await labScript(lab.dir, "", "setup", target);
        return script ? [{ script, target }] : [];
      }),
    );
    const wanted = scripts.flat();
    if (wanted.length === 0) return [];
    const values = await valuesOf(lab, record.seat);
    const ends = await Promise.allSettled(
      wanted.map(({ script, target }) =>
        steps.run(
          {
            step: "setup",
            title: `${target}: making sure that the lab is set up`,
            seat: { lab: record.lab, seat: record.seat },
            machine: target,
          },
          async () => {
            const options = { values, timeout: limitIn(record, target, SETUP_LIMIT), signal };
            const { evidence, outcome, output, why } = await runInTarget(
              record,
              target,
              once(script),
              options,
            );
            if (outcome === "done") return evidence[ALREADY] === undefined ? [target] : [];
            throw new UserError(`the setup of lab "${lab.name}" failed in the ${target}`, {
              why: [why, ...output.split("\n").slice(-5)].filter(Boolean).join("\n"),
              fix: `run the command again; if it fails again, ${script.name} in ${lab.dir} has a mistake`,
            });
          },
        ),
      ),
    );
    return resultsOf(ends).flat();
  });

const ALREADY = "already";

const once = ({ name, text }: LabScript): LabScript => ({
  name,
  text: `if [ -e ${DONE} ]; then note ${ALREADY} yes; exit 0; fi
${text}
mkdir -p "$(dirname ${DONE})"
touch ${DONE}`,
});

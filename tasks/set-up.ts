import { UserError } from "../base/errors.js";
import { resultsOf } from "../base/results-of.js";
import { type LabScript, labScript } from "../labs/lab-scripts.js";
import type { Lab } from "../labs/load-lab.js";
import { SET_UP_MARK } from "../labs/run-script.js";
import { reporting, type StepEvent } from "../model/events.js";
import type { Target } from "../model/naming.js";
import { type SeatRecord, targetsOf } from "../seats/seat-record.js";
import { runInTarget } from "./run-script-in-target.js";
import { limitIn, valuesOf } from "./script-options.js";

/** Seconds that a lab's setup may take in a target. */
const SETUP_LIMIT = 300;

/**
 * Runs the lab's setup.sh in every target of the seat that it was not run in. A target that was made anew is set up anew.
 *
 * @param targets Default: all of the seat.
 * @returns the targets that were set up now.
 * @throws UserError when the setup fails: the seat is not ready.
 */
export const setUpLab = (
  record: SeatRecord,
  lab: Lab,
  {
    signal,
    targets = targetsOf(record),
  }: { signal?: AbortSignal | undefined; targets?: readonly Target[] } = {},
): AsyncGenerator<StepEvent, Target[]> =>
  reporting(async (steps) => {
    const scripts = await Promise.all(
      targets.map(async (target) => {
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

/** Whether a lab has a setup for a target. */
export const hasSetup = async ({ dir }: Lab, target: Target): Promise<boolean> =>
  (await labScript(dir, "", "setup", target)) !== undefined;

const ALREADY = "already";

const once = ({ name, text }: LabScript): LabScript => ({
  name,
  text: `if [ -e ${SET_UP_MARK} ]; then note ${ALREADY} yes; exit 0; fi
${text}
mkdir -p "$(dirname ${SET_UP_MARK})"
touch ${SET_UP_MARK}`,
});

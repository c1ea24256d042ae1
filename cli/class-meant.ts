import { existsSync } from "node:fs";
import { basename, extname, isAbsolute, resolve } from "node:path";
import type { ClassRecord } from "../classes/class-record.js";
import type { ClassSpec } from "../classes/define-class.js";
import type { ClassWish } from "../classes/plan-class.js";
import { parseTargets } from "../labs/targets.js";
import { budgetOf } from "./budget-option.js";
import { type Args, text } from "./define-command.js";
import { lifetime } from "./duration.js";
import { chosenEndpoints, endpointOptions } from "./endpoints.js";
import { rentingOf, rentingOptions } from "./rent-options.js";
import { DEFAULT_LAB } from "./seat-meant.js";

const CLASS_FILE = "class.yaml";

/** The positional of the commands about a class that is up. */
export const classPositional = {
  class: {
    type: "string",
    describe:
      "a class's name, or the path of its class.yaml; default: the only class that is up, else the last one that ended",
  },
} as const;

/** The positional and options of the commands that read a class.yaml. */
export const classFilePositional = {
  file: { type: "string", describe: `the path of a class.yaml; default: ./${CLASS_FILE}` },
} as const;
export const classFileOptions = {
  roster: {
    type: "string",
    describe: "the list of learners; needs no class.yaml: the class gets the name of this file",
  },
  lab: {
    type: "string",
    describe: `a lab's name, or the path of its folder; default: class.yaml's, else ${DEFAULT_LAB}`,
  },
  on: {
    type: "string",
    describe: "targets, with commas: container,guest,vps; default: class.yaml's, else the lab's",
  },
  ttl: {
    type: "string",
    describe: "how long the seats live: 3h, 1h30m, none; default: class.yaml's, else the lab's",
  },
  ...rentingOptions("class.yaml's, else the lab's"),
  budget: {
    type: "string",
    describe:
      "the most US dollars that all rented machines of the class may cost until the seats' end; none: no limit; default: class.yaml's",
  },
  ...endpointOptions,
} as const;

/** What the command line and class.yaml ask for. */
export const classWish = (args: Args): Promise<ClassWish> =>
  wishOf(args, () => specOf(text(args, "file"), text(args, "roster")));

async function wishOf(args: Args, specOf: () => Promise<ClassSpec>): Promise<ClassWish> {
  const [roster, lab, on, ttl] = ["roster", "lab", "on", "ttl"].map((name) => text(args, name));
  const spec = await specOf();
  const budget = budgetOf(args);
  const { cloud, sshFrom } = rentingOf(args);
  return {
    endpoints: await chosenEndpoints(args),
    ...(on === undefined ? {} : { targets: parseTargets(on) }),
    ...(sshFrom === undefined ? {} : { sshFrom }),
    spec: {
      ...spec,
      ...(roster === undefined ? {} : { roster: resolve(roster) }),
      ...(lab === undefined ? {} : { lab }),
      ...(ttl === undefined ? {} : { ttl: lifetime("--ttl", ttl) }),
      ...(cloud === undefined ? {} : { cloud }),
      ...(budget === undefined ? {} : { budget }),
    },
  };
}

/** The URL of the shared state that class.yaml names, for a command that reads it. */
export const stateOfClassFile = async (args: Args): Promise<string | undefined> =>
  (await specOf(text(args, "file"), text(args, "roster"))).state;

async function specOf(file: string | undefined, roster: string | undefined): Promise<ClassSpec> {
  const { classNameOf, readClassFile } = await import("../classes/define-class.js");
  if (file !== undefined || roster === undefined || existsSync(CLASS_FILE))
    return readClassFile(file ?? CLASS_FILE);
  const name = classNameOf(basename(roster, extname(roster)));
  return { name, lab: DEFAULT_LAB, roster: resolve(roster), resume: true };
}

/** What a rehearsal is of: as {@link classWish}, but there need be neither a class.yaml nor a roster. */
export const rehearsedClass = (args: Args): Promise<ClassWish> =>
  wishOf(args, async () =>
    text(args, "file") !== undefined || existsSync(CLASS_FILE)
      ? specOf(text(args, "file"), undefined)
      : { name: "rehearsal", lab: DEFAULT_LAB, roster: "", resume: true },
  );

/** The class that a command is about. @throws UserError: exit 6 when there is none, exit 2 when there are several. */
export async function classMeant(args: Args): Promise<ClassRecord> {
  const { requireClass } = await import("../classes/class-record.js");
  const word = text(args, "class");
  if (word === undefined || !/\.ya?ml$/.test(word)) return requireClass(word);
  const { readClassFile } = await import("../classes/define-class.js");
  const { lab, name } = await readClassFile(word);
  const record = await requireClass(name);
  // Another instructor's checkout may be in another folder.
  return isAbsolute(lab) ? { ...record, labDir: lab } : record;
}

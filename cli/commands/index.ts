import type { Command } from "../define-command.js";
import { answer } from "./answer.js";
import { check } from "./check.js";
import { claims } from "./claims.js";
import { classCommand } from "./class.js";
import { compare } from "./compare.js";
import { cost } from "./cost.js";
import { cp } from "./cp.js";
import { doctor } from "./doctor.js";
import { down } from "./down.js";
import { extend } from "./extend.js";
import { grade } from "./grade.js";
import { grades } from "./grades.js";
import { guide } from "./guide.js";
import { hint } from "./hint.js";
import { images } from "./images.js";
import { labs } from "./labs.js";
import { logs } from "./logs.js";
import { parity } from "./parity.js";
import { predict } from "./predict.js";
import { reap } from "./reap.js";
import { report } from "./report.js";
import { reset } from "./reset.js";
import { resize } from "./resize.js";
import { restart } from "./restart.js";
import { run } from "./run.js";
import { snapshot } from "./snapshot.js";
import { ssh } from "./ssh.js";
import { start } from "./start.js";
import { status } from "./status.js";
import { stop } from "./stop.js";
import { submit } from "./submit.js";
import { up } from "./up.js";
import { version } from "./version.js";

/** Every command, in the order the help shows them. */
export const COMMANDS: readonly Command[] = [
  up,
  down,
  status,
  extend,
  resize,
  stop,
  start,
  restart,
  ssh,
  run,
  cp,
  logs,
  guide,
  check,
  hint,
  answer,
  submit,
  reset,
  snapshot,
  parity,
  predict,
  compare,
  claims,
  report,
  cost,
  labs,
  grade,
  grades,
  classCommand,
  images,
  reap,
  doctor,
  version,
];

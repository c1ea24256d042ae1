import { stateOfClassFile } from "../class-meant.js";
import { defineCommand } from "../define-command.js";
import { stateOfClass } from "../shared-state.js";
import { classCards } from "./class-cards.js";
import { classCheck } from "./class-check.js";
import { classDown } from "./class-down.js";
import { classExport } from "./class-export.js";
import { classExtend } from "./class-extend.js";
import { classGrades } from "./class-grades.js";
import { classNew } from "./class-new.js";
import { classPlan } from "./class-plan.js";
import { classRehearse } from "./class-rehearse.js";
import { classReset } from "./class-reset.js";
import { classRun } from "./class-run.js";
import { classServe } from "./class-serve.js";
import { classStatus } from "./class-status.js";
import { classUnlock } from "./class-unlock.js";
import { classUp } from "./class-up.js";

export const classCommand = defineCommand({
  usage: "class",
  description: "seats for all learners of a roster: plan, start, look, check, grade, remove",
  subcommands: [
    classNew,
    // It makes no seat, but it must be able to say that a shared state has none.
    { ...classPlan, stateOf: stateOfClassFile, makesState: true },
    classRehearse,
    { ...classUp, stateOf: stateOfClassFile, makesState: true },
    ...[
      classStatus,
      classCards,
      classServe,
      classRun,
      classCheck,
      classGrades,
      classExtend,
      classReset,
      classExport,
      classUnlock,
      classDown,
    ].map((command) => ({ ...command, stateOf: stateOfClass })),
  ],
});

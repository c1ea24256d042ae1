import type { Environment, ExecResult } from "../drivers/environment.js";
import { settledCommand } from "../model/guest-contract.js";
import { servicesStartedCommand } from "../model/services.js";

/** Asks whether a machine has started all that it starts by itself: it has when this exits 0. */
export const settled = (environment: Environment): Promise<ExecResult> =>
  environment.target === "container"
    ? environment.exec(servicesStartedCommand, { root: true, timeoutMs: 180_000 })
    : environment.exec(settledCommand);

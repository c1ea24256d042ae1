import type { Environment, ExecResult } from "../drivers/environment.js";
import { settledCommand } from "../model/guest-contract.js";
import { servicesStartedCommand } from "../model/services.js";

/** Asks a machine whether it has finished starting. Exit code 0 means yes. */
export const settled = (environment: Environment): Promise<ExecResult> =>
  environment.target === "container"
    ? environment.exec(servicesStartedCommand, { root: true, timeoutMs: 180_000 })
    : environment.exec(settledCommand);

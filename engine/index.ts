/** What the rest of trilab uses of this folder. */
export type { EngineEvent, OperationResult, StackHandle, StackOptions, UpResult } from "./automation.js";
export { openStack } from "./automation.js";
export type { StackRef } from "./backend.js";
export { backendUrl, defaultProject, stackLock } from "./backend.js";
export type {
  Checkpoint,
  CheckpointResource,
  OutputValue,
  PendingOperation,
  RawDeployment,
  RawResource,
} from "./checkpoint.js";
export { clearPending, editState, readCheckpoint, stateFingerprint } from "./checkpoint.js";
export { MissingPlugin, ReplacementRefused } from "./engine-errors.js";
export type { Program } from "./inline.js";
export type { ToolReport } from "./inspect.js";
export { inspectEngine } from "./inspect.js";
export type { Engine, EngineOptions } from "./install.js";
export { ensureEngine, ensureLanguageHost, NotInstalled, replaceStandIns } from "./install.js";
export { clearStaleLock } from "./recovery.js";
export type { StackConfig } from "./stack-config.js";

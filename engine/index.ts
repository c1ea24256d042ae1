/** What the rest of trilab uses of this folder. */
export type { EngineEvent, StackHandle, UpResult } from "./automation.js";
export { loadAhead, openStack } from "./automation.js";
export type { StackRef } from "./backend.js";
export { stackUnit } from "./backend.js";
export type {
  Checkpoint,
  CheckpointResource,
  OutputValue,
  RawDeployment,
  RawResource,
} from "./checkpoint.js";
export { clearPending, editState, readCheckpoint, stateFingerprint } from "./checkpoint.js";
export { MissingPlugin, ReplacementRefused } from "./engine-errors.js";
export { inspectEngine } from "./inspect.js";
export type { Engine } from "./install.js";
export { ensureEngine, NotInstalled, replaceStandIns } from "./install.js";
export { clearStaleLock, endOrphansOf } from "./recovery.js";
export type { AskDaemons } from "./silence.js";
export type { StackConfig } from "./stack-config.js";
export { createInFileBackend } from "./stack-config.js";

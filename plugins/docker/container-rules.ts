import type { PropertyRule } from "../harness/resource.js";
import { isObject, same, sameSet } from "../harness/values.js";
import { type ContainerInputs, nanoseconds } from "./container-schema.js";

/** A limit can be changed while the container runs, but not removed, because for the daemon 0 means "no change". */
const unlessLifted: PropertyRule["on"] = (_was, becomes) =>
  becomes === undefined || becomes === "" || Number(becomes) === 0 ? "replace" : "update";

/** Each item agrees with its input. Properties that the daemon has added to an item don't count. */
const eachAgrees =
  (defaults: Record<string, unknown>) =>
  (has: unknown, wants: unknown): boolean => {
    if (!Array.isArray(has) || !Array.isArray(wants) || has.length !== wants.length) return false;
    const left = [...has];
    return wants.every((want) => {
      const index = left.findIndex((item) =>
        itemAgrees({ ...defaults, ...given(item) }, { ...defaults, ...given(want) }),
      );
      if (index >= 0) left.splice(index, 1);
      return index >= 0;
    });
  };

/** An item without its unset properties, which are null or "" in the official plugin's state. */
function given(item: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(item).filter(([, value]) => value !== null && value !== undefined && value !== ""),
  );
}

function itemAgrees(item: Record<string, unknown>, want: Record<string, unknown>): boolean {
  return Object.entries(want).every(([key, value]) => same(item[key], value) || sameSet(item[key], value));
}

function portsAgree(has: unknown, wants: unknown): boolean {
  if (!Array.isArray(wants)) return false;
  // Port 0 and no port both mean any port.
  const open = wants.map((port: unknown) =>
    isObject(port) && port.external === 0 ? { ...port, external: undefined } : port,
  );
  const asked = open.map((port: unknown) => (isObject(port) ? JSON.parse(JSON.stringify(port)) : port));
  return eachAgrees({ ip: "0.0.0.0", protocol: "tcp" })(has, asked);
}

function capabilitiesAgree(has: unknown, wants: unknown): boolean {
  const list = (value: unknown, key: string): string[] => {
    const items = isObject(value) ? value[key] : undefined;
    return Array.isArray(items) ? items.map((item) => String(item).toUpperCase().replace(/^CAP_/, "")) : [];
  };
  return ["adds", "drops"].every((key) => sameSet(list(has, key), list(wants, key)));
}

const set: PropertyRule = { on: "replace", agrees: sameSet };
const fixed: PropertyRule = { on: "replace" };

/** Which changes replace the container, and which are made in place. */
export const containerRules: Record<keyof ContainerInputs, PropertyRule> = {
  name: fixed,
  image: fixed,
  hostname: fixed,
  command: fixed,
  entrypoints: fixed,
  init: fixed,
  user: fixed,
  workingDir: fixed,
  envs: set,
  labels: set,
  capabilities: { on: "replace", agrees: capabilitiesAgree },
  securityOpts: set,
  memory: { on: unlessLifted, default: 0 },
  // 0 means the default.
  memorySwap: { on: unlessLifted, agrees: (_has, wants) => wants === 0 },
  shmSize: fixed,
  cpus: { on: unlessLifted, default: "0", agrees: (has, wants) => Number(has) === Number(wants) },
  cpuShares: { on: unlessLifted, default: 0 },
  cpuSet: { on: (_was, becomes) => (becomes === "" ? "replace" : "update"), default: "" },
  networksAdvanced: { on: "replace", agrees: eachAgrees({}) },
  networkMode: fixed,
  volumes: { on: "replace", agrees: eachAgrees({ readOnly: false }) },
  mounts: { on: "replace", agrees: eachAgrees({ readOnly: false }) },
  tmpfs: fixed,
  ports: { on: "replace", agrees: portsAgree },
  restart: { on: "update", default: "no" },
  maxRetryCount: { on: "update", default: 0 },
  readOnly: { on: "replace", default: false },
  ulimits: set,
  storageOpts: fixed,
  hosts: set,
  dns: fixed,
  sysctls: fixed,
  logDriver: fixed,
  logOpts: fixed,
  mustRun: { on: "update", default: true },
  start: { on: "update", default: true },
  rm: { on: "replace", default: false },
  attach: { on: "update", default: false },
  logs: { on: "update", default: false },
  wait: { on: "update", default: false },
  waitTimeout: { on: "update", default: 60 },
  destroyGraceSeconds: { on: "update", default: 0 },
  stopTimeout: fixed,
  stopSignal: fixed,
  privileged: { on: "replace", default: false },
  removeVolumes: { on: "update", default: true },
  groupAdds: set,
  cgroupnsMode: fixed,
  ipcMode: fixed,
  pidMode: fixed,
  healthcheck: { on: "replace", agrees: healthchecksAgree },
};

function healthchecksAgree(has: unknown, wants: unknown): boolean {
  if (!isObject(has) || !isObject(wants)) return false;
  return Object.entries(wants).every(([key, want]) => {
    const item = has[key];
    if (same(item, want)) return true;
    // "90s" equals "1m30s".
    return typeof item === "string" && typeof want === "string" && nanoseconds(item) === nanoseconds(want);
  });
}

// Starts a second host in a process of its own, from the TypeScript sources, so that a test can kill it.
import { fileURLToPath } from "node:url";
import { runnerImport } from "vite";

const fixture = fileURLToPath(new URL("./second-host.ts", import.meta.url));
const { module } = await runnerImport(fixture, { logLevel: "silent", configFile: false });
const { name } = await module.startSecondHost({ daemons: [] });
console.log(name);

// The caller a test kills: `up` of a stack whose second step takes argv[4] milliseconds. Runs the compiled engine room.
import { CustomResource } from "@pulumi/pulumi";
import { openStack } from "../../dist/engine/index.js";

const [stack, log, ms] = process.argv.slice(2);
class Slow extends CustomResource {}
await openStack({
  stack,
  program: async () => {
    const first = new Slow("slow:index:Slow", "first", { ms: 1, log }, { version: "1.0.0" });
    new Slow("slow:index:Slow", "second", { ms: Number(ms), log, after: first.id }, { version: "1.0.0" });
    return {};
  },
}).up();

// A provider for tests: creating a `slow:index:Slow` takes `ms` milliseconds, and leaves a line in the file `log`.
import { randomUUID } from "node:crypto";
import { appendFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import provider from "@pulumi/pulumi/provider/index.js";

// The tests kill engines; nobody else would end their providers.
const parent = process.ppid;
setInterval(() => process.ppid === parent || process.exit(), 500).unref();

await provider.main(
  {
    version: "1.0.0",
    async check(_urn, _olds, news) {
      return { inputs: news };
    },
    async diff(_id, _urn, olds, news) {
      return { changes: JSON.stringify(olds.ms) !== JSON.stringify(news.ms) };
    },
    async create(_urn, inputs) {
      appendFileSync(inputs.log, "create begun\n");
      await sleep(Number(inputs.ms));
      if (inputs.fail) throw new Error(String(inputs.fail));
      appendFileSync(inputs.log, "create done\n");
      return { id: randomUUID(), outs: inputs };
    },
    async read(id, _urn, props) {
      return { id, props };
    },
    async update(_id, _urn, _olds, news) {
      return { outs: news };
    },
    async delete() {},
  },
  process.argv.slice(2),
);

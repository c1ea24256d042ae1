import { report } from "../context.js";
import { defineCommand } from "../define-command.js";
import { readVersion } from "../version.js";

export const version = defineCommand({
  usage: "version",
  description: "print the versions of trilab and its engine",
  handler: async (_args, ctx) => {
    const { versions } = await import("../../engine/versions.js");
    const data = { trilab: readVersion(), node: process.versions.node, pulumi: versions.pulumi };
    report(ctx, "version", data, () => [
      `trilab ${data.trilab}`,
      `pulumi ${data.pulumi} (pinned)`,
      `node ${data.node}`,
    ]);
    return undefined;
  },
});

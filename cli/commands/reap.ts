import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ExitCode, UserError } from "../../base/errors.js";
import { repoDir } from "../../base/paths.js";
import type { Endpoints } from "../../model/endpoint.js";
import type { ReapScope } from "../../seats/reap.js";
import { type Context, report } from "../context.js";
import { type Args, defineCommand, flag, text } from "../define-command.js";
import { duration } from "../duration.js";
import { chosenEndpoints, endpointOptions } from "../endpoints.js";
import { explain } from "../explain.js";
import { reapLines } from "../reap-lines.js";

export const reap = defineCommand({
  usage: "reap",
  description: "remove expired seats, with everything that belongs to them",
  valueOptional: ["watch"],
  options: {
    "dry-run": { type: "boolean", describe: "only list what exists and what would be removed" },
    unknown: {
      type: "boolean",
      describe:
        "also remove your seats that this state directory does not know, and leftovers without a machine",
    },
    others: { type: "boolean", describe: "as --unknown, and also other owners' seats" },
    watch: {
      type: "string",
      conflicts: "json",
      describe: "repeat at this interval; without a value: 1m; not with --json",
    },
    install: {
      type: "boolean",
      describe: "run it every five minutes, by a systemd timer, else by cron",
    },
    ...endpointOptions,
    uninstall: { type: "boolean", describe: "undo --install" },
  },
  examples: [
    ["trilab reap", "once"],
    ["trilab reap --unknown --dry-run", "what would be removed, including seats of other state directories"],
    ["trilab reap --install", "every five minutes from now on"],
  ],
  handler: run,
});

async function run(args: Args, ctx: Context): Promise<number> {
  const scope = { unknown: flag(args, "unknown"), others: flag(args, "others") };
  const dryRun = flag(args, "dry-run");
  const watch = text(args, "watch");
  const modes = ["install", "uninstall", "watch", "dry-run"].filter((name) => args[name] !== undefined);
  if (modes.length > 1 && !(modes.length === 2 && modes.includes("watch") && dryRun)) {
    throw new UserError(`--${modes.join(" and --")} can't be used together`, {
      why: "they are different ways to run",
      fix: "choose one of them",
      exitCode: ExitCode.usage,
    });
  }
  if (flag(args, "install") || flag(args, "uninstall")) return schedule(args, scope, ctx);
  const chosen = await chosenEndpoints(args);
  if (watch === undefined) return once(scope, chosen, dryRun, ctx);
  const pause = watch === "" ? 60 : duration("--watch", watch);
  for (;;) {
    // The watch goes on if a daemon does not answer for a while.
    await once(scope, chosen, dryRun, ctx).catch((error: unknown) => {
      if (!(error instanceof UserError) || error.exitCode === ExitCode.interrupted) throw error;
      explain(error, ctx);
    });
    await sleep(pause * 1000, undefined, { signal: ctx.signal }).catch(() => {});
    if (ctx.signal.aborted) return ExitCode.interrupted;
  }
}

async function once(scope: ReapScope, chosen: Endpoints, dryRun: boolean, ctx: Context): Promise<number> {
  const { reap: reapSeats } = await import("../../seats/reap.js");
  const result = await ctx.follow(reapSeats(scope, { chosen, dryRun }));
  report(ctx, "reap", result, () => reapLines(result, ctx.style));
  const outcomes = [...result.seats, ...result.orphans].map((r) => ("outcome" in r ? r.outcome : undefined));
  if (outcomes.some((outcome) => outcome === "failed" || outcome === "left")) return ExitCode.residue;
  // A daemon that could not be queried may have seats whose time is up.
  return result.notAsked.length > 0 ? ExitCode.hostNotReady : ExitCode.done;
}

async function schedule(args: Args, scope: ReapScope, ctx: Context): Promise<number> {
  const on = flag(args, "install");
  // The timer's runs would fail because of an invalid address, and nobody would see it.
  if (on) await chosenEndpoints(args);
  const { install, jobOf, uninstall } = await import("../../hosts/schedule-reap.js");
  const { awsCredentials } = await import("../../drivers/ec2/credentials.js");
  const flags = [
    ...(scope.unknown ? ["--unknown"] : []),
    ...(scope.others ? ["--others"] : []),
    ...Object.keys(endpointOptions).flatMap((name) => {
      const value = text(args, name);
      return value ? [`--${name}`, value] : [];
    }),
  ];
  const job = await jobOf([process.execPath, join(repoDir, "dist/cli/bin.js"), "reap", ...flags]);
  const installed = on ? await install(job) : [];
  if (on && (await awsCredentials()) === "the environment")
    ctx.tell(
      "It will not see what is rented from AWS: your credentials are in the environment, and trilab does not store them. Put them in a profile (aws configure), set AWS_PROFILE, and install it again.",
    );
  if (!on) await uninstall(job);
  report(ctx, "reaper", { installed: on, name: job.name, command: job.command, log: job.log }, () =>
    on
      ? ["Installed, to run every five minutes:", ...installed, `Its log: ${job.log}`]
      : ["The reaper does not run automatically any more."],
  );
  return ExitCode.done;
}

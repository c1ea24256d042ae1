import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ExitCode, UserError } from "../../base/errors.js";
import { repoDir } from "../../base/paths.js";
import type { Progress } from "../../base/progress.js";
import type { Reaped, ReapScope } from "../../stacks/reap.js";
import { type Context, columns, report } from "../context.js";
import { type Args, defineCommand, flag, text } from "../define-command.js";
import { duration } from "../duration.js";
import { explain } from "../explain.js";
import { receiptLines } from "../receipt-lines.js";
import { timeLeft } from "../time-left.js";

export const reap = defineCommand({
  usage: "reap",
  description: "remove the seats whose time is up, with all that is theirs",
  options: {
    "dry-run": { type: "boolean", describe: "only list what is there, and what would be removed" },
    unknown: {
      type: "boolean",
      describe: "also your seats that this state directory does not know, and what is left without a machine",
    },
    others: { type: "boolean", describe: "as --unknown, and other owners' seats too" },
    watch: { type: "string", describe: "again and again, so long apart; without a value: 1m" },
    install: {
      type: "boolean",
      describe: "have it done every five minutes: by a systemd timer, else by cron",
    },
    uninstall: { type: "boolean", describe: "undo --install" },
  },
  examples: [
    ["trilab reap", "once"],
    ["trilab reap --unknown --dry-run", "what would go that another state directory made"],
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
    throw new UserError(`--${modes.join(" and --")} don't go together`, {
      why: "each says another way of running",
      fix: "give one of them",
      exitCode: ExitCode.usage,
    });
  }
  if (flag(args, "install") || flag(args, "uninstall")) return schedule(scope, flag(args, "install"), ctx);
  if (watch === undefined) return once(scope, dryRun, ctx);
  const pause = watch === "" ? 60 : duration("--watch", watch);
  for (;;) {
    // A daemon that is away for a while must not end the watch.
    await once(scope, dryRun, ctx).catch((error: unknown) => {
      if (!(error instanceof UserError) || error.exitCode === ExitCode.interrupted) throw error;
      explain(error, ctx);
    });
    await sleep(pause * 1000);
  }
}

async function once(scope: ReapScope, dryRun: boolean, ctx: Context): Promise<number> {
  const { reapOrphans, reapSeat, survey } = await import("../../stacks/reap.js");
  const { seats, orphans, asked } = await survey(scope, Date.now());
  const reaped: Reaped[] = [];
  let stuck: Awaited<ReturnType<typeof reapOrphans>> = [];
  if (!dryRun) {
    const tasks = seats
      .filter((seat) => seat.verdict === "expired")
      .map((seat) => ({
        title: `seat ${seat.seat} of lab ${seat.lab}: its time is up`,
        run: async (progress: Progress) => {
          reaped.push(await reapSeat(seat, progress));
        },
      }));
    await ctx.tasks.run(tasks);
    stuck = await reapOrphans(orphans.filter((orphan) => orphan.verdict === "expired"));
  }
  const outcomes = seats.map((seat) => ({
    ...seat,
    ...reaped.find((r) => r.lab === seat.lab && r.seat === seat.seat),
  }));
  const left = orphans.map((orphan) => ({
    ...orphan,
    ...(dryRun || orphan.verdict !== "expired"
      ? {}
      : { outcome: stuck.some((s) => s.found === orphan) ? "failed" : "removed" }),
    why: stuck.find((s) => s.found === orphan)?.why,
  }));
  report(ctx, "reap", { dryRun, asked, seats: outcomes, orphans: left }, () =>
    lines(outcomes, left, dryRun, ctx),
  );
  const failed = reaped.some((r) => r.outcome === "failed" || r.outcome === "left") || stuck.length > 0;
  return failed ? ExitCode.residue : ExitCode.done;
}

/** What became, or would become, of one seat or orphan. */
interface Line {
  verdict: "live" | "young" | "expired" | "listed";
  outcome?: string;
  why?: string | undefined;
}

function lines(
  seats: readonly (Partial<Reaped> & Line & Pick<Reaped, "lab" | "seat" | "owner" | "expires" | "known">)[],
  orphans: readonly (Line & { kind: string; name: string })[],
  dryRun: boolean,
  ctx: Context,
): string[] {
  const { bold, dim } = ctx.style;
  if (seats.length + orphans.length === 0) return ["No seats are here."];
  const done = ({ verdict, outcome, why }: Line, without: string): string => {
    if (outcome !== undefined)
      return why === undefined ? outcome : `${outcome}: ${why.split("\n").join(" ")}`;
    if (verdict === "listed") return `left alone: ${without}`;
    if (verdict === "young") return "left alone: its machine may just be being made";
    return verdict === "expired" && dryRun ? "would be removed" : "stays";
  };
  const rows = [
    ...seats.map((s) => [
      s.lab,
      s.seat,
      s.owner ?? "?",
      timeLeft(s.expires ?? ""),
      done(s, `${s.known ? "" : "not of this state directory; "}see --unknown and --others`),
    ]),
    ...orphans.map((o) => [o.kind, o.name, "?", "", done(o, "nothing tells whose it is; see --unknown")]),
  ];
  const receipts = seats.flatMap((s) => (s.receipt ? receiptLines(s.receipt, ctx.style) : []));
  return [
    ...columns([["LAB", "SEAT", "OWNER", "ENDS", "WHAT"].map(bold), ...rows]),
    ...receipts,
    ...(dryRun ? [dim("Nothing was removed: this was a dry run.")] : []),
  ];
}

async function schedule(scope: ReapScope, on: boolean, ctx: Context): Promise<number> {
  const { install, jobOf, uninstall } = await import("../../hosts/schedule.js");
  const flags = [...(scope.unknown ? ["--unknown"] : []), ...(scope.others ? ["--others"] : [])];
  const job = await jobOf([process.execPath, join(repoDir, "dist/cli/bin.js"), "reap", ...flags]);
  const installed = on ? await install(job) : [];
  if (!on) await uninstall(job);
  report(ctx, "reaper", { installed: on, name: job.name, command: job.command, log: job.log }, () =>
    on
      ? ["Installed, to run every five minutes:", ...installed, `Its log: ${job.log}`]
      : ["The reaper does not run by itself any more."],
  );
  return ExitCode.done;
}

import type { Progress } from "../base/progress.js";
import { type Engine, ensureEngine } from "../engine/index.js";
import { requireCapacity, requireStateSpace } from "../hosts/capacity.js";
import { ensureImage } from "../images/index.js";
import type { Context } from "./context.js";
import { readyHost } from "./ready-host.js";
import type { SeatPlan } from "./seat-plan.js";

/**
 * Everything that a seat needs of this host and does not bring itself: packages, daemons, room, the engine, its images.
 *
 * @param yes Don't ask before something is installed.
 * @throws UserError (exit 3) when something is missing that can't be, or may not be, mended.
 */
export async function setUp(ctx: Context, plan: SeatPlan, yes: boolean): Promise<Engine> {
  const { existing, lab, sources, targets } = plan;
  await readyHost(ctx, sources, yes);
  await requireStateSpace();
  // A seat that is there keeps what it has, whatever its lab says by now.
  if (targets.some((target) => !existing?.targets.includes(target)))
    await requireCapacity(lab.machine, sources);
  return engineAndImages(ctx, plan);
}

/** Engine and image, made once a machine; side by side, as each waits on the network at times. */
async function engineAndImages(ctx: Context, { images, sources }: SeatPlan): Promise<Engine> {
  let engine: Engine | undefined;
  await ctx.tasks.run(
    [
      {
        title: "engine: Pulumi and its providers",
        run: async (progress) => {
          engine = await ensureEngine({ progress, ...sources, aws: sources.aws !== undefined });
        },
      },
      ...(images.length > 0
        ? [
            {
              title: "image: one root file system for all",
              run: async (progress: Progress) => {
                // One after the other: each build keeps every CPU busy.
                for (const spec of images) await ensureImage(spec, { progress });
              },
            },
          ]
        : []),
    ],
    { concurrent: true },
  );
  if (engine === undefined) throw new Error("ensureEngine gave no engine");
  return engine;
}

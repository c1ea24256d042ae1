import type { Progress } from "../base/progress.js";
import { type Engine, ensureEngine } from "../engine/index.js";
import { requireCapacity, requireStateSpace } from "../hosts/capacity.js";
import { ensureImage } from "../images/index.js";
import { targetsOf } from "../seats/seat-record.js";
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
  const { drivers, existing, lab, targets } = plan;
  await readyHost(ctx, drivers, yes);
  await requireStateSpace();
  // A seat that is there keeps what it has, whatever its lab says by now.
  if (targets.some((target) => !(existing && targetsOf(existing).includes(target))))
    await requireCapacity(lab.machine, drivers);
  return engineAndImages(ctx, plan);
}

/** Engine and image, made once a machine; side by side, as each waits on the network at times. */
async function engineAndImages(ctx: Context, { drivers, images }: SeatPlan): Promise<Engine> {
  let engine: Engine | undefined;
  await ctx.tasks.run(
    [
      {
        title: "engine: Pulumi and its providers",
        run: async (progress) => {
          engine = await ensureEngine({
            progress,
            docker: drivers.docker !== undefined,
            libvirt: drivers.libvirt !== undefined,
            aws: drivers.ec2 !== undefined,
          });
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

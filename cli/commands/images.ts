import { ExitCode } from "../../base/errors.js";
import { reporting } from "../../model/events.js";
import { formatSize } from "../../model/units.js";
import { columns, report } from "../context.js";
import { defineCommand, flag, text, yesOption } from "../define-command.js";
import { chosenEndpoints, endpointOptions } from "../endpoints.js";
import { readyHost } from "../make-host-ready.js";
import { DEFAULT_LAB } from "../seat-meant.js";
import { moment } from "../time-left.js";

const ls = defineCommand({
  usage: "ls",
  aliases: ["list"],
  description: "list the matched images in the cache",
  handler: async (_args, ctx) => {
    const { listImages } = await import("../../images/index.js");
    const images = (await listImages()).map((image) => ({
      hash: image.hash,
      release: image.manifest.release,
      packages: image.manifest.packages.length,
      built: image.manifest.diskBuiltAt,
      bytes: image.diskUsage + image.rootUsage,
    }));
    report(ctx, "images", { images }, () =>
      images.length === 0
        ? ["No image is built yet. To build one: trilab up, or trilab images build."]
        : columns([
            ["IMAGE", "DEBIAN", "PACKAGES", "BUILT", "ON DISK"].map(ctx.style.bold),
            ...images.map((i) => [
              i.hash,
              i.release,
              String(i.packages),
              moment(i.built),
              formatSize(i.bytes),
            ]),
          ]),
    );
    return undefined;
  },
});

const build = defineCommand({
  usage: "build [lab]",
  description: "build a lab's image, or check that the cached one is intact",
  positionals: {
    lab: { type: "string", default: DEFAULT_LAB, describe: "a lab's name, or the path of its folder" },
  },
  options: { force: { type: "boolean", describe: "build it again even if it is intact" }, ...yesOption },
  handler: async (args, ctx) => {
    const { loadLab } = await import("../../labs/load-lab.js");
    const { ensureImage, verifyImage } = await import("../../images/index.js");
    const { imageSpecOf } = await import("../../seats/prepare-seat.js");
    const lab = await loadLab(text(args, "lab") ?? DEFAULT_LAB);
    const { driversAt } = await import("../../seats/seat-drivers.js");
    await readyHost(ctx, driversAt([(await chosenEndpoints(args)).libvirt]), flag(args, "yes"));
    const image = await ctx.follow(
      reporting((steps) =>
        steps.run({ step: "image", title: `image of lab ${lab.name}` }, async (progress) => {
          const built = await ensureImage(imageSpecOf(lab.machine), { progress, force: flag(args, "force") });
          progress.update("checking every byte");
          await verifyImage(built, { full: true });
          return built;
        }),
      ),
    );
    report(ctx, "image", { hash: image.hash, manifest: image.manifest }, () => [image.hash]);
    return ExitCode.done;
  },
});

const prune = defineCommand({
  usage: "prune",
  description: "remove images that no seat uses: from the cache, from Docker and from libvirt's pools",
  options: endpointOptions,
  handler: async (args, ctx) => {
    const { driversAt } = await import("../../seats/seat-drivers.js");
    const { docker, libvirt } = await chosenEndpoints(args);
    const { pruneHost } = await import("../../seats/prune-host.js");
    const drivers = driversAt([docker, libvirt]);
    const removed = await ctx.follow(
      reporting((steps) =>
        steps.run({ step: "prune", title: "removing unused images" }, (progress) =>
          pruneHost(drivers, progress),
        ),
      ),
    );
    report(ctx, "pruned", { removed }, () => [
      removed.length === 0 ? "Nothing to remove." : `Removed ${removed.join(", ")}.`,
    ]);
    return undefined;
  },
});

export const images = defineCommand({
  usage: "images",
  description: "list, build or prune the matched images",
  ...(ls.handler ? { handler: ls.handler } : {}),
  subcommands: [ls, build, prune],
});

import * as pulumi from "@pulumi/pulumi";
import { stderrProgress } from "../base/progress.js";
import { refuseDockerContext } from "../drivers/docker/client.js";
import { CLOUD_WISHES } from "../labs/cloud-wishes.js";
import { loadLab } from "../labs/define-lab.js";
import { parseTargets } from "../labs/targets.js";
import { seatProgram } from "../stacks/seat.js";
import { ensureHost } from "./ensure-host.js";
import { builtImages, checkSeatName, prepareRecord, seatSettings } from "./prepare-seat.js";

/*
 * `pulumi up` in the repo's root: the seat that the stack's configuration names, the same as `trilab up` deploys.
 * The host's part (image, pools) lives in a stack of its own, shared with the CLI's seats.
 */
process.umask(0o077);
refuseDockerContext();
const config = new pulumi.Config("trilab");
// The daemons asked directly must be those the providers are configured for.
process.env.TRILAB_LIBVIRT_URI = new pulumi.Config("libvirt").require("uri");
const dockerHost = new pulumi.Config("docker").get("host");
if (dockerHost) process.env.TRILAB_DOCKER_HOST = dockerHost;

const lab = await loadLab(config.get("lab") || "first-boot");
const seat = config.get("seat") || pulumi.getStack();
checkSeatName(seat);
const on = config.get("on");
const targets = on ? parseTargets(on) : undefined;
const cloud = CLOUD_WISHES.find((wish) => wish === config.get("cloud"));
const sshFrom = config.get("sshFrom");
const record = await prepareRecord(
  {
    lab,
    seat,
    ...(targets ? { targets } : {}),
    ...(cloud ? { cloud } : {}),
    ...(sshFrom === undefined ? {} : { sshFrom }),
  },
  stderrProgress,
);

// A preview makes nothing: it needs the images' names only.
if (!pulumi.runtime.isDryRun()) {
  for (const { image, daemons } of await builtImages(record, lab, stderrProgress))
    await ensureHost(image, daemons, stderrProgress);
}
const settings = await seatSettings(record, lab);
const onMended = (what: string): void => void pulumi.log.info(what);
const outputs = await seatProgram({ ...settings, onMended })();

/** How each target is reached. */
export const machines = outputs.targets;

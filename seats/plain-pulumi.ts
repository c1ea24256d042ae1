import * as pulumi from "@pulumi/pulumi";
import { ExitCode, UserError } from "../base/errors.js";
import { stderrProgress } from "../base/progress.js";
import type { DomainDefinition } from "../components/libvirt-machine.js";
import { shutDownForChange } from "../drivers/libvirt/redefinition.js";
import { CLOUD_REQUESTS } from "../labs/cloud-requests.js";
import { loadLab } from "../labs/load-lab.js";
import { parseTargets } from "../labs/targets.js";
import { addressOf, type Endpoints, endpointWords, LOCAL, sameEndpoint } from "../model/endpoint.js";
import { seatProgram } from "../stacks/seat.js";
import { withSeatLock } from "./deploy-seat.js";
import { ensureHost } from "./ensure-host.js";
import { builtImages, checkSeatName, prepareRecord, seatSettings } from "./prepare-seat.js";
import { driversOf } from "./seat-drivers.js";
import { unapplied } from "./unapplied.js";

/*
 * `pulumi up` in the repo's root deploys the seat that the stack's configuration names, as `trilab up` does.
 * The host's part (image, pools) is a stack of its own, shared with the CLI's seats.
 */
process.umask(0o077);
if (process.env.DOCKER_CONTEXT) {
  throw new UserError(`DOCKER_CONTEXT is "${process.env.DOCKER_CONTEXT}"`, {
    why: "Pulumi's Docker plugin prefers it to docker:host, so it would use another daemon than trilab does",
    fix: "unset DOCKER_CONTEXT, and name the daemon by its address: pulumi config set docker:host …",
    exitCode: ExitCode.usage,
  });
}
const config = new pulumi.Config("trilab");
const dockerConfig = new pulumi.Config("docker");
// trilab must use the same daemons as the providers.
const certPath = dockerConfig.get("certPath") || process.env.DOCKER_CERT_PATH;
const endpoints: Endpoints = {
  docker: {
    kind: "docker",
    host: dockerConfig.get("host") || process.env.DOCKER_HOST || LOCAL.docker.host,
    ...(certPath ? { certPath } : {}),
  },
  libvirt: { kind: "libvirt", uri: new pulumi.Config("libvirt").require("uri") },
};

const lab = await loadLab(config.get("lab") || "first-boot");
const seat = config.get("seat") || pulumi.getStack();
checkSeatName(seat);
const on = config.get("on");
const targets = on ? parseTargets(on) : undefined;
const cloud = CLOUD_REQUESTS.find((wish) => wish === config.get("cloud"));
const sshFrom = config.get("sshFrom");
const record = await prepareRecord({
  lab,
  seat,
  endpoints,
  ...(targets ? { targets } : {}),
  ...(cloud ? { cloud } : {}),
  ...(sshFrom === undefined ? {} : { sshFrom }),
});
for (const { what, lab: wanted, seat: has, apply } of unapplied(lab, record))
  await pulumi.log.info(`${what} is ${wanted} in lab.yaml, ${has} in the seat; to apply it: ${apply}`);

for (const { endpoint } of record.machines) {
  const configured = endpoint.kind === "ec2" ? endpoint : endpoints[endpoint.kind];
  if (sameEndpoint(endpoint, configured)) continue;
  throw new UserError(`seat "${seat}" is at ${endpointWords(endpoint)}`, {
    why: `the stack's configuration names ${endpointWords(configured)}; a machine can't move`,
    fix: `pulumi config set ${endpoint.kind === "docker" ? "docker:host" : "libvirt:uri"} ${addressOf(endpoint)}`,
    exitCode: ExitCode.usage,
  });
}

// A preview makes nothing, so it only needs the images' names.
if (!pulumi.runtime.isDryRun()) {
  for (const { image, daemons } of await builtImages(record, lab, stderrProgress))
    await ensureHost(image, daemons, stderrProgress);
}
const settings = await withSeatLock(record, () => seatSettings(record, lab));
const onMended = (what: string): void => void pulumi.log.info(what);
const makeWay = async (wanted: DomainDefinition): Promise<void> => {
  const { libvirt } = driversOf(record);
  if (libvirt) await shutDownForChange(libvirt, wanted, stderrProgress);
};
const outputs = await seatProgram({ ...settings, makeWay, onMended })();

/** How each target is reached. */
export const machines = outputs.targets;

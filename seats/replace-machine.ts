import { UserError } from "../base/errors.js";
import type { Progress } from "../base/progress.js";
import { interruptible } from "../base/working.js";
import { connect } from "../drivers/drivers.js";
import { editState } from "../engine/index.js";
import { containerTag } from "../model/container-tag.js";
import type { DockerEndpoint, LibvirtEndpoint } from "../model/endpoint.js";
import { type DomainTarget, diskName, seatPrefix } from "../model/naming.js";
import { renumberContainer } from "./edit-state.js";
import { keptImage } from "./image-specs.js";
import { beginChange, changeBegun, endChange } from "./journal.js";
import type { SeatMachine, SeatRecord } from "./seat-record.js";

/** A machine of Docker or libvirt, to be replaced in place. */
export type ReplaceableMachine = SeatMachine & { endpoint: DockerEndpoint | LibvirtEndpoint };

/**
 * Replaces what a machine has on its disk, or in its layer and home, by what a snapshot has, or by what it had after its first
 * start; then lets it run. Its name, address and keys stay, and Pulumi's state stays true. If it is interrupted, the journal has
 * what the next command needs to finish it. The caller holds the seat's lock.
 *
 * @param snapshot Its name; absent: as after the first start.
 * @throws UserError before anything is lost, if something that it needs is missing.
 */
export async function replaceMachine(
  record: SeatRecord,
  machine: ReplaceableMachine,
  progress: Progress,
  snapshot?: string,
): Promise<void> {
  const over = interruptible();
  try {
    await (machine.endpoint.kind === "docker"
      ? replaceContainer(record, machine, machine.endpoint, progress, snapshot)
      : replaceDisk(record, machine, machine.endpoint, progress, snapshot));
    await endChange(record, machine.target);
  } finally {
    over();
  }
}

/** What the journal says of a replacement by a snapshot, or by what was there first. */
const replacement = (snapshot: string | undefined) =>
  ({ operation: "replace", ...(snapshot === undefined ? {} : { snapshot }) }) as const;

async function replaceContainer(
  record: SeatRecord,
  { address = "", name, target }: SeatMachine,
  endpoint: DockerEndpoint,
  progress: Progress,
  snapshot: string | undefined,
): Promise<void> {
  const docker = connect(endpoint);
  const begun = await changeBegun(record, target);
  // If it was removed already, an interrupted command has noted what it was made from.
  const container =
    (await docker.definition(name, { network: name, address })) ??
    (begun?.operation === "replace" ? begun.container : undefined);
  if (container === undefined) {
    throw new UserError(`there is no container ${name}`, {
      fix: `trilab up ${record.lab} --seat ${record.seat} makes it`,
    });
  }
  const first = containerTag(record.image);
  if (snapshot === undefined) await docker.requireImage(first);
  const content =
    snapshot === undefined
      ? { image: first }
      : await docker.snapshotContent(record, snapshot, `/home/${record.user}`);
  const change = { ...replacement(snapshot), container };
  await beginChange(record, target, change);
  progress.update("replacing layer and home");
  const id = await docker.recreateContainer(container, content);
  await editState({ stack: seatPrefix(record) }, (state) => renumberContainer(state, name, id));
  // Before it runs: what somebody does in it from then on is never replaced once more.
  await beginChange(record, target, { ...change, made: true });
  await docker.start({ kind: "container", name, id, state: "created", owner: undefined });
  await docker.removeNameless(record);
}

async function replaceDisk(
  record: SeatRecord,
  { name, target }: SeatMachine,
  endpoint: LibvirtEndpoint,
  progress: Progress,
  snapshot: string | undefined,
): Promise<void> {
  const libvirt = connect(endpoint);
  const image = keptImage(record, target === "vps" ? "vps" : "machine");
  if (image === undefined)
    throw new Error(`the record of seat ${record.seat} names no image of its ${target}`);
  await libvirt.requireBaseDisk(image);
  await beginChange(record, target, replacement(snapshot));
  progress.update("switching it off");
  await libvirt.switchOff(name);
  await libvirt.forgetMemory(name);
  progress.update("replacing its disk");
  const disk = diskName(record, target as DomainTarget);
  await (snapshot === undefined
    ? libvirt.recreateDisk({ name: disk, capacity: record.disk, image })
    : libvirt.restoreDisk({ domain: name, disk }, snapshot));
  // Before it runs, as with a container.
  await beginChange(record, target, { ...replacement(snapshot), made: true });
  const problem = await (snapshot === undefined
    ? libvirt.startFromDisk(name)
    : libvirt.startRestored(name, snapshot));
  if (problem) progress.note(`${target}: it was started from its saved disk, because ${problem}`);
}

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
 * Replaces what a machine has on its disk, or in its layer and home, by what it had after its first start; then starts it. Its
 * name, address and keys stay, and Pulumi's state stays true. If it is interrupted, the journal has what the next command needs
 * to finish it. The caller holds the seat's lock.
 *
 * @throws UserError before anything is lost, if something that it needs is missing.
 */
export async function replaceMachine(
  record: SeatRecord,
  machine: ReplaceableMachine,
  progress: Progress,
): Promise<void> {
  const over = interruptible();
  try {
    await (machine.endpoint.kind === "docker"
      ? replaceContainer(record, machine, machine.endpoint, progress)
      : replaceDisk(record, machine, machine.endpoint, progress));
    await endChange(record, machine.target);
  } finally {
    over();
  }
}

async function replaceContainer(
  record: SeatRecord,
  { address = "", name, target }: SeatMachine,
  endpoint: DockerEndpoint,
  progress: Progress,
): Promise<void> {
  const docker = connect(endpoint);
  const image = containerTag(record.image);
  // If it was removed already, an interrupted command has noted what it was made from.
  const container =
    (await docker.definition(name, { network: name, address })) ??
    (await changeBegun(record, target))?.container;
  if (container === undefined)
    throw new UserError(`there is no container ${name}`, { fix: "trilab up makes it" });
  await docker.requireImage(image);
  await beginChange(record, target, { operation: "replace", container });
  progress.update("making layer and home anew");
  const id = await docker.makeAnew(container, image);
  // Before it runs: a container that runs is never replaced once more.
  await editState({ stack: seatPrefix(record) }, (state) => renumberContainer(state, name, id));
  await docker.start({ kind: "container", name, id, state: "created", owner: undefined });
}

async function replaceDisk(
  record: SeatRecord,
  { name, target }: SeatMachine,
  endpoint: LibvirtEndpoint,
  progress: Progress,
): Promise<void> {
  const libvirt = connect(endpoint);
  const image = keptImage(record, target === "vps" ? "vps" : "machine");
  if (image === undefined)
    throw new Error(`the record of seat ${record.seat} names no image of its ${target}`);
  await libvirt.requireBaseDisk(image);
  await beginChange(record, target, { operation: "replace" });
  progress.update("switching it off");
  await libvirt.switchOff(name);
  progress.update("making its disk anew");
  await libvirt.makeDiskAnew({
    name: diskName(record, target as DomainTarget),
    capacity: record.disk,
    image,
  });
  await libvirt.startFromDisk(name);
}

import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { ExitCode, hasCode, messageOf, UserError } from "../base/errors.js";
import { inScratchFolder } from "../base/scratch.js";
import { fileInTar, unpackTar, writeTar } from "../base/tar-file.js";
import { SNAPSHOT_FILES } from "../drivers/docker/snapshot-file.js";
import { connect } from "../drivers/drivers.js";
import { SNAPSHOT_FILE } from "../drivers/libvirt/snapshot-file.js";
import { containerTag } from "../model/container-tag.js";
import { reporting, type StepEvent } from "../model/events.js";
import { TARGETS, type Target } from "../model/naming.js";
import type { Snapshot } from "../model/snapshots.js";
import { withSeatLock } from "./deploy-seat.js";
import { finishInterrupted } from "./finish-interrupted.js";
import { keptImage } from "./image-specs.js";
import { beginChange, endChange } from "./journal.js";
import { requireSnapshot, snapshotsOf } from "./list-snapshots.js";
import type { ReplaceableMachine } from "./replace-machine.js";
import { replaceableMachines, requireReachable } from "./replaceable.js";
import { snapshotLabels, undoSave } from "./save-machine.js";
import { ANSWER_MS, requireFreeName, requireName } from "./save-snapshot.js";
import { readRecord, type SeatRecord } from "./seat-record.js";

const MANIFEST = "snapshot.json";

const manifestSchema = z.object({
  kind: z.literal("trilab snapshot"),
  schema: z.literal(1),
  name: z.string(),
  target: z.enum(TARGETS),
  /** ISO 8601. */
  at: z.string(),
  /** The hash of the image that it was made from, and that the file does not contain. */
  image: z.string(),
});
type Manifest = z.infer<typeof manifestSchema>;

/** The files of a snapshot beside its manifest. */
const filesOf = (target: Target): readonly string[] =>
  target === "container" ? SNAPSHOT_FILES : [SNAPSHOT_FILE];

export interface ExportedSnapshot {
  snapshot: Snapshot;
  file: string;
  /** The file's size. */
  bytes: number;
}

/**
 * Writes a snapshot of one machine to a file: what differs from its image. A guest's memory is left out: keys and addresses
 * of the seat are in it.
 *
 * @throws UserError: exit 2 when the file exists; exit 6 when there is no such snapshot; exit 3 when a daemon does not answer.
 */
export const exportSnapshot = (
  seat: SeatRecord,
  { file, name, target }: { file: string; name: string; target: Target },
): AsyncGenerator<StepEvent, ExportedSnapshot> =>
  reporting((steps) =>
    withSeatLock(seat, async () => {
      const record = (await readRecord(seat)) ?? seat;
      const machine = oneMachine(record, target);
      if (existsSync(file)) {
        throw new UserError(`${file} exists already`, {
          why: "a file is never overwritten by an export",
          fix: "choose another name, or remove that file",
          exitCode: ExitCode.usage,
        });
      }
      await requireReachable(record, [machine]);
      await requireSnapshot(record, [machine], name);
      const [snapshot] = (await snapshotsOf(record, machine)).filter((each) => each.name === name);
      if (snapshot === undefined) throw new Error(`snapshot ${name} is gone`);
      const image = imageOf(record, target);
      const manifest: Manifest = { kind: "trilab snapshot", schema: 1, name, target, at: snapshot.at, image };
      const about = { step: "export", title: `${target}: writing ${name} to ${file}`, machine: target };
      await steps.run({ ...about, seat: { lab: record.lab, seat: record.seat } }, () =>
        inScratchFolder("snapshot", async (dir) => {
          const { endpoint } = machine;
          if (endpoint.kind === "docker")
            await connect(endpoint).writeSnapshot(record, { base: containerTag(image), dir, name });
          else await connect(endpoint).writeSnapshot(machine.name, { dir, name });
          await writeTar(file, [
            { name: MANIFEST, content: Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`) },
            ...filesOf(target).map((each) => ({ name: each, content: { file: join(dir, each) } })),
          ]);
        }),
      );
      return { snapshot, file, bytes: (await stat(file)).size };
    }),
  );

/**
 * Makes a snapshot of a seat from a file that {@link exportSnapshot} wrote, for this seat or another with the same image.
 *
 * @param name Absent: the snapshot's own.
 * @throws UserError: exit 2 when the file is none, is of another image, or the name is taken; exit 6 when the seat does not have
 *   such a machine; exit 3 when a daemon does not answer.
 */
export const importSnapshot = (
  seat: SeatRecord,
  { file, name: asked }: { file: string; name?: string | undefined },
): AsyncGenerator<StepEvent, Snapshot> =>
  reporting((steps) =>
    withSeatLock(seat, async () => {
      const manifest = await readManifest(file);
      const name = asked ?? manifest.name;
      const { target } = manifest;
      requireName(name);
      const record = (await readRecord(seat)) ?? seat;
      const machine = oneMachine(record, target);
      await requireReachable(record, [machine]);
      await finishInterrupted(record, { waitMs: ANSWER_MS }, steps);
      await requireFreeName(record, machine, name);
      requireSameImage(record, manifest);
      const about = { step: "import", title: `${target}: reading ${name} from ${file}`, machine: target };
      await steps.run({ ...about, seat: { lab: record.lab, seat: record.seat } }, (progress) =>
        inScratchFolder("snapshot", async (dir) => {
          const there = await unpackTar(file, dir, filesOf(target));
          const missing = filesOf(target).filter((each) => !there.includes(each));
          if (missing.length > 0) throw notASnapshot(file, `it has no ${missing.join(" and no ")}`);
          // What is half made is removed, by this command or by the next.
          await beginChange(record, target, { operation: "save", snapshot: name });
          try {
            await read(record, machine, manifest.image, { dir, name });
          } catch (error) {
            await undoSave(record, machine, name, progress).catch(() => {});
            throw error;
          }
          await endChange(record, target);
        }),
      );
      const made = (await snapshotsOf(record, machine)).find((snapshot) => snapshot.name === name);
      if (made === undefined) throw new Error(`the snapshot ${name} was read, and is not there`);
      return made;
    }),
  );

async function read(
  record: SeatRecord,
  { endpoint, name: machine }: ReplaceableMachine,
  image: string,
  { dir, name }: { dir: string; name: string },
): Promise<void> {
  if (endpoint.kind === "docker") {
    const labels = snapshotLabels(record);
    await connect(endpoint).readSnapshot(record, { base: containerTag(image), dir, labels, name });
    return;
  }
  const libvirt = connect(endpoint);
  await libvirt.requireBaseDisk(image);
  await libvirt.readSnapshot(machine, { dir, disk: { capacity: record.disk, image }, name });
}

function oneMachine(record: SeatRecord, target: Target): ReplaceableMachine {
  const [machine] = replaceableMachines(record, [target], "snapshot");
  if (machine === undefined) throw new Error(`seat ${record.seat} has no ${target}`);
  return machine;
}

/** The image of one of the seat's machines. */
function imageOf(record: SeatRecord, target: Target): string {
  const image = keptImage(record, target === "vps" ? "vps" : "machine");
  if (image === undefined)
    throw new Error(`the record of seat ${record.seat} names no image of its ${target}`);
  return image;
}

function requireSameImage(record: SeatRecord, { image, name, target }: Manifest): void {
  const own = imageOf(record, target);
  if (own === image) return;
  throw new UserError(`snapshot "${name}" does not fit the ${target} of seat "${record.seat}"`, {
    why: `it was made from image ${image}, and the seat has image ${own}; the file has only what differs from the image`,
    fix: "import it into a seat of the same lab, made with the same packages",
    exitCode: ExitCode.usage,
  });
}

async function readManifest(file: string): Promise<Manifest> {
  const text = await fileInTar(file, MANIFEST).catch((error: unknown) => {
    if (hasCode(error, "ENOENT")) throw notASnapshot(file, "there is no such file");
    throw notASnapshot(file, messageOf(error));
  });
  try {
    return manifestSchema.parse(JSON.parse(String(text)));
  } catch (error) {
    throw notASnapshot(file, "it has no description of a snapshot", error);
  }
}

const notASnapshot = (file: string, why: string, cause?: unknown): UserError =>
  new UserError(`${file} is not a snapshot`, {
    why,
    fix: "give a file that trilab snapshot export wrote",
    exitCode: ExitCode.usage,
    cause,
  });

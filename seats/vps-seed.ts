import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runTool } from "../images/run-tool.js";
import type { SeatId } from "../model/naming.js";
import { seatDir } from "./seat-record.js";

/**
 * Writes the image that cloud-init's NoCloud source reads into the seat's folder, where the keys are.
 *
 * @returns its path. Only its owner can read it, because it contains the machine's private host key.
 */
export async function writeVpsSeed(id: SeatId, userData: string, metaData: string): Promise<string> {
  const image = join(seatDir(id), "vps-seed.iso");
  const folder = await mkdtemp(join(seatDir(id), "vps-seed-"));
  try {
    const files = { "user-data": userData, "meta-data": metaData };
    for (const [name, text] of Object.entries(files))
      await writeFile(join(folder, name), text, { mode: 0o600 });
    const made = join(folder, "seed.iso");
    await runTool(
      "mkisofs",
      ["-quiet", "-output", made, "-volid", "cidata", "-joliet", "-rock", ...Object.keys(files)],
      {
        cwd: folder,
      },
    );
    await rename(made, image);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return image;
}

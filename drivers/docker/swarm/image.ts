import type Docker from "dockerode";
import { asking } from "../connect.js";
import { follow } from "../image.js";

/** Copies an image from one daemon to another, through this machine; it keeps its id, and gets the tag there. */
export async function copyImage(
  from: Docker,
  to: Docker,
  { id, tag }: { id: string; tag: string },
): Promise<void> {
  const what = `the image ${tag} could not be copied`;
  const saved = await asking(what, () => from.getImage(id).get());
  // Without this, all that is known is that the other daemon's report ended early.
  const broken = new Promise<never>((_, reject) => saved.once("error", reject));
  const load = async (): Promise<unknown> => follow(to, await asking(what, () => to.loadImage(saved)), what);
  await Promise.race([broken, load()]);
  const [repo = tag, word = "latest"] = tag.split(":");
  await asking(what, () => to.getImage(id).tag({ repo, tag: word }));
}

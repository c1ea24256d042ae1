import type Docker from "dockerode";

/** Whether the daemon can limit swap; this needs swap accounting in its kernel. */
export async function limitsSwap(docker: Pick<Docker, "info">): Promise<boolean> {
  const { SwapLimit } = (await docker.info()) as { SwapLimit?: boolean };
  return SwapLimit !== false;
}

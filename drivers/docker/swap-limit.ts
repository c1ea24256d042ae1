import type Docker from "dockerode";

/** Whether the daemon can limit swap; it can't where its kernel does not account for it. */
export async function limitsSwap(docker: Pick<Docker, "info">): Promise<boolean> {
  const { SwapLimit } = (await docker.info()) as { SwapLimit?: boolean };
  return SwapLimit !== false;
}

import type { Engine } from "./install.js";

/** The stand-ins with which this process serves one engine. */
export interface OwnPlugins {
  /** Variables for the engine's environment, so that it uses them. */
  env: Record<string, string>;
  /** Must be called when the engine has ended. */
  end(): Promise<void>;
}

export const loadOwnPlugins = () =>
  Promise.all([import("../plugins/harness/server.js"), import("../plugins/docker/stand-in.js")]);

/**
 * Serves our Docker stand-in to one engine from this process. Otherwise the engine would start it as a process, which takes
 * 0.4 s of CPU and 45 MiB for each engine. Each engine gets its own instance, on its own port, because it configures and
 * cancels it.
 *
 * The engine itself starts official plugins: one process of them can't serve several engines, because each would change the
 * others' configuration and cancel their work. It also starts the stand-in for AWS, which loads AWS's SDK and sets
 * environment variables for it.
 */
export async function serveOwnPlugins({ docker }: Engine): Promise<OwnPlugins> {
  if (docker !== "stand-in") return { env: {}, end: async () => {} };
  const [{ listen }, { dockerStandIn }] = await loadOwnPlugins();
  const { end, port } = await listen(dockerStandIn());
  // If there are two entries for a plugin, the engine uses the first. So a plugin that the user debugs is used.
  const given = process.env.PULUMI_DEBUG_PROVIDERS;
  return { env: { PULUMI_DEBUG_PROVIDERS: [...(given ? [given] : []), `docker:${port}`].join(",") }, end };
}

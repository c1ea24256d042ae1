import type { Engine } from "./install.js";

/** The stand-ins that this process serves to one engine. */
export interface OwnPlugins {
  /** The engine's environment, so that it uses them. */
  env: Record<string, string>;
  /** To be called when the engine has ended. */
  end(): Promise<void>;
}

/**
 * Serves our Docker stand-in to one engine from this process. The engine would start it as a process otherwise, which
 * takes 0.4 s of CPU and 45 MiB for each engine. Each engine gets an instance of its own, on a port of its own: the
 * engine configures and cancels it.
 *
 * Official plugins are started by the engine. One process can't serve several engines: each would change the others'
 * configuration, and cancel their work. The stand-in for AWS is, too: it loads AWS's SDK, and sets variables for it.
 */
export async function serveOwnPlugins({ docker }: Engine): Promise<OwnPlugins> {
  if (docker !== "stand-in") return { env: {}, end: async () => {} };
  const [{ listen }, { dockerStandIn }] = await Promise.all([
    import("../plugins/harness/server.js"),
    import("../plugins/docker/stand-in.js"),
  ]);
  const { end, port } = await listen(dockerStandIn());
  // Of two entries for a plugin the engine takes the first: a plugin that the user debugs is used.
  const given = process.env.PULUMI_DEBUG_PROVIDERS;
  return { env: { PULUMI_DEBUG_PROVIDERS: [...(given ? [given] : []), `docker:${port}`].join(",") }, end };
}

import { StandIn } from "../harness/provider.js";
import { standIn } from "./manifest.js";

/** A stand-in for one engine: it keeps that engine's configuration. dockerode and zod are loaded with the first request. */
export const dockerStandIn = () =>
  new StandIn({ name: standIn.name, version: standIn.version }, async () => {
    const { parts } = await import("./parts.js");
    return parts;
  });

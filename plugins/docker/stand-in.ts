import { StandIn } from "../harness/provider.js";
import { standIn } from "./manifest.js";

/** Makes a stand-in for one engine, whose configuration it keeps. dockerode and zod are loaded with the first request. */
export const dockerStandIn = () =>
  new StandIn({ name: standIn.name, version: standIn.version }, async () => {
    const { parts } = await import("./provider.js");
    return parts;
  });

import { StandIn } from "../harness/provider.js";
import { serve } from "../harness/server.js";
import { standIn } from "./manifest.js";

// The AWS SDK and zod are loaded after the handshake, with the first request.
const plugin = new StandIn({ name: standIn.name, version: standIn.version }, async () => {
  const { parts } = await import("./provider.js");
  return parts;
});

await serve(plugin);

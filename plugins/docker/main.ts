import { serve } from "../harness/server.js";
import { dockerStandIn } from "./stand-in.js";

await serve(dockerStandIn());

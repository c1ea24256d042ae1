import type Docker from "dockerode";
import { z } from "zod";
import { UserError } from "../../base/errors.js";
import { reason } from "../harness/errors.js";
import type { Parts } from "../harness/provider.js";
import { connect, parseHost } from "./client.js";
import { container } from "./container.js";
import { network } from "./network.js";
import { remoteImage } from "./remote-image.js";
import { volume } from "./volume.js";

/** The provider's configuration: where the daemon is. Default DOCKER_HOST, then the default socket. */
const config = z.strictObject({ host: z.string().optional() });

export const parts: Parts<Docker> = {
  config,
  validateConfig: ({ host }) => {
    if (typeof host !== "string") return [];
    try {
      parseHost(host);
      return [];
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      return [{ property: "host", reason: reason(error.message, error.why, error.fix ?? "") }];
    }
  },
  connect: async (given) => connect(config.parse(given).host),
  resources: [container, network, volume, remoteImage],
};

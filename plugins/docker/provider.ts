import type Docker from "dockerode";
import { z } from "zod";
import { UserError } from "../../base/errors.js";
import { dockerClient, parseAddress } from "../../drivers/docker/connect.js";
import { type DockerEndpoint, LOCAL } from "../../model/endpoint.js";
import { reason } from "../harness/errors.js";
import type { Parts } from "../harness/provider.js";
import { container } from "./container.js";
import { network } from "./network.js";
import { remoteImage } from "./remote-image.js";
import { service } from "./service.js";
import { volume } from "./volume.js";

/** The provider's configuration: where the daemon is. */
const config = z.strictObject({
  /** Default DOCKER_HOST, then the local socket. */
  host: z.string().optional(),
  /** The folder with ca.pem, cert.pem and key.pem. Default DOCKER_CERT_PATH, then no TLS. */
  certPath: z.string().optional(),
});

/** The endpoint that a configuration selects. What is not set comes from the environment, as in Docker's own tools. */
function endpointOf(given: z.infer<typeof config>, env = process.env): Omit<DockerEndpoint, "kind"> {
  const certPath = given.certPath || env.DOCKER_CERT_PATH;
  const host = given.host || env.DOCKER_HOST || LOCAL.docker.host;
  return { host, ...(certPath ? { certPath } : {}) };
}

export const parts: Parts<Docker> = {
  config,
  validateConfig: ({ host }) => {
    if (typeof host !== "string") return [];
    try {
      parseAddress({ host });
      return [];
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      return [{ property: "host", reason: reason(error.message, error.why, error.fix ?? "") }];
    }
  },
  connect: async (given) => dockerClient(endpointOf(config.parse(given))),
  resources: [container, network, volume, remoteImage, service],
};

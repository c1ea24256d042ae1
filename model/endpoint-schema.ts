import { z } from "zod";

/** One Docker daemon, and how it is reached. */
const dockerEndpointSchema = z.object({
  kind: z.literal("docker"),
  /** `unix:///path`, `tcp://host:port` or `ssh://[user@]host[:port]`. */
  host: z.string(),
  /** The folder with ca.pem, cert.pem and key.pem, for TLS. Only for `tcp://`. */
  certPath: z.string().optional(),
  /**
   * Of the manager of a Docker Swarm: the daemons of its nodes, by the nodes' hostnames. With it, a container is a service of that
   * Swarm. `certPath` is used for all of them.
   */
  swarm: z.record(z.string(), z.string()).optional(),
});
export type DockerEndpoint = z.infer<typeof dockerEndpointSchema>;

/** One libvirt daemon: a connection URI such as `qemu:///system` or `qemu+ssh://host/system`. */
const libvirtEndpointSchema = z.object({ kind: z.literal("libvirt"), uri: z.string() });
export type LibvirtEndpoint = z.infer<typeof libvirtEndpointSchema>;

/** One region of EC2, in one AWS account. */
const ec2EndpointSchema = z.object({
  kind: z.literal("ec2"),
  region: z.string(),
  /** The account's number; absent if it could not be read in the region. */
  account: z.string().optional(),
});
export type Ec2Endpoint = z.infer<typeof ec2EndpointSchema>;

/** How one daemon or cloud region is reached. */
export const endpointSchema = z.discriminatedUnion("kind", [
  dockerEndpointSchema,
  libvirtEndpointSchema,
  ec2EndpointSchema,
]);
export type Endpoint = z.infer<typeof endpointSchema>;

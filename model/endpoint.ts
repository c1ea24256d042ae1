import type { DockerEndpoint, Ec2Endpoint, Endpoint, LibvirtEndpoint } from "./endpoint-schema.js";

// Only the types: the schema loads zod, which a command that only prints help does without.
export type { DockerEndpoint, Ec2Endpoint, Endpoint, LibvirtEndpoint };

/** The endpoints of the two daemons for a new seat. */
export interface Endpoints {
  docker: DockerEndpoint;
  libvirt: LibvirtEndpoint;
}

/** Both daemons of this machine, at their default addresses. */
export const LOCAL: Endpoints = {
  docker: { kind: "docker", host: "unix:///var/run/docker.sock" },
  libvirt: { kind: "libvirt", uri: "qemu:///system" },
};

/** Whether the daemon runs on this machine: a Docker socket, or a libvirt URI without a host. */
export function isLocal(endpoint: DockerEndpoint | LibvirtEndpoint): boolean {
  if (endpoint.kind === "docker") return endpoint.host.startsWith("unix://");
  return URL.canParse(endpoint.uri) && new URL(endpoint.uri).hostname === "";
}

/** The name or address of the host that a daemon runs on; empty for this machine. */
export function hostOf(endpoint: DockerEndpoint | LibvirtEndpoint): string {
  const address = addressOf(endpoint);
  if (isLocal(endpoint)) return "";
  return (URL.canParse(address) && hostnameOf(new URL(address))) || address;
}

/** A URL's host without the brackets of an IPv6 address, which only URLs have: `::1` for `ssh://[::1]:22`. */
export const hostnameOf = (url: URL): string => url.hostname.replace(/^\[(.*)\]$/, "$1");

/** The address alone, as people write it: `ssh://host`, `qemu:///system`, `eu-central-1`. */
export function addressOf(endpoint: Endpoint): string {
  if (endpoint.kind === "docker") return endpoint.host;
  return endpoint.kind === "libvirt" ? endpoint.uri : endpoint.region;
}

/** Whether containers there are services of a Docker Swarm. */
export const isSwarm = (endpoint: Endpoint): boolean =>
  endpoint.kind === "docker" && endpoint.swarm !== undefined;

/** A daemon or region in words: `Docker`, `Docker Swarm at ssh://lab1`, `libvirt at qemu+ssh://host/system`, `AWS (eu-central-1)`. */
export function endpointWords(endpoint: Endpoint): string {
  if (endpoint.kind === "ec2") return `AWS (${endpoint.region})`;
  const name = isSwarm(endpoint) ? "Docker Swarm" : endpoint.kind === "docker" ? "Docker" : "libvirt";
  return isDefault(endpoint) ? name : `${name} at ${addressOf(endpoint)}`;
}

const isDefault = (endpoint: DockerEndpoint | LibvirtEndpoint): boolean =>
  addressOf(endpoint) === addressOf(LOCAL[endpoint.kind]);

/** Several in words: `Docker and libvirt`; empty for none. */
export const endpointsWords = (endpoints: readonly Endpoint[]): string =>
  endpoints.map(endpointWords).join(" and ");

/** Whether two endpoints reach the same daemon or region. A manager's own daemon is not the same as its Swarm. */
export const sameEndpoint = (a: Endpoint, b: Endpoint): boolean =>
  a.kind === b.kind && addressOf(a) === addressOf(b) && isSwarm(a) === isSwarm(b);

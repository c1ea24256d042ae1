/** Where a seat's things are: in a Docker daemon, a libvirt daemon, or EC2. */
export type SourceKind = "docker" | "libvirt" | "ec2";

/** A seat's things in AWS, in the order of removal: users before what they use. */
export const AWS_KINDS = [
  "instance",
  "network interface",
  "elastic IP",
  "EBS volume",
  "key pair",
  "security group",
  "route table",
  "subnet",
  "internet gateway",
  "VPC",
] as const;
export type AwsKind = (typeof AWS_KINDS)[number];

/** What can't be removed while it contains an instance: removing it would wait for minutes. */
export const HELD_BY_INSTANCE: readonly Kind[] = [
  "network interface",
  "security group",
  "route table",
  "subnet",
  "internet gateway",
  "VPC",
];

/**
 * All things that a seat may have, in the order of removal. A `container home` is the volume that a Docker Swarm made on one of its
 * nodes; every other volume of a container was made by the engine.
 */
export const KINDS = [
  "container",
  "container network",
  "container volume",
  "container home",
  "container snapshot",
  "domain",
  "guest network",
  "guest disk",
  "guest snapshot",
  "memory file",
  "cloud-init seed",
  "host key",
  "console log",
  "lease",
  ...AWS_KINDS,
] as const;
export type Kind = (typeof KINDS)[number];

export const isAwsKind = (kind: Kind): kind is AwsKind => AWS_KINDS.some((known) => known === kind);

/** Which source has a kind. */
export function sourceOf(kind: Kind): SourceKind {
  if (isAwsKind(kind)) return "ec2";
  return kind.startsWith("container") ? "docker" : "libvirt";
}

/** Resources with a learner's work: a container's layer, a home, a disk, a rented machine. */
const HOLDING_WORK: readonly string[] = [
  "docker:index/container:Container",
  "docker:index/service:Service",
  "docker:index/volume:Volume",
  "libvirt:index/volume:Volume",
  "aws:ec2/instance:Instance",
];

/** Whether a resource must not be replaced without consent. A rehearsed VPS's seed and a host key can be made again from the record. */
export const holdsWork = (type: string, name: unknown): boolean =>
  HOLDING_WORK.includes(type) && !/\.(seed\.iso|host-key)$/.test(String(name));

export { DockerHost, type DockerHostArgs } from "./docker-host.js";
export { type Subnet, subnetOf } from "./helpers/cidr.js";
export type { Ownership } from "./helpers/labels.js";
export { TARGETS, type Target } from "./helpers/naming.js";
export type { Transform } from "./helpers/transform.js";
export { type Accelerator, type GuestImage, LibvirtGuest, type LibvirtGuestArgs } from "./libvirt-guest.js";
export { type MachineSpec, type MachineSpecInput, machineSpecSchema } from "./machine-spec.js";
export { MatchedLab, type MatchedLabArgs, type TargetOutputs } from "./matched-lab.js";

import type * as pulumi from "@pulumi/pulumi";
import type { Subnet } from "../model/cidr.js";
import type { Credits } from "../model/clouds.js";
import type { InstanceType } from "../model/instance-catalogue.js";
import type { Ownership } from "../model/labels.js";
import type { MachineSpec } from "../model/machine-spec.js";
import type { CloudFile } from "./helpers/cloud-init.js";

/** The arguments of a VPS for every cloud. */
export interface CloudVpsArgs {
  spec: MachineSpec;
  /** Who owns the seat, and until when. */
  ownership: Ownership;
  /** The block of its own network: a VPC or a libvirt network. */
  subnet: Subnet;
  /** The instance type. It has what the spec requires, and often more. */
  type: InstanceType;
  credits: Credits;
  /** OpenSSH public keys that may log in as the login user and as root; the first is the seat's own. */
  userKeys: pulumi.Input<string[]>;
  /** The machine's SSH host key, an OpenSSH private key file: made by us, so that clients can pin it. */
  hostKey: pulumi.Input<string>;
  hostPublicKey: string;
  /** Written by cloud-init before SSH starts. */
  files?: readonly CloudFile[];
  /** Run by cloud-init at the end of the first boot, each with its arguments. */
  run?: readonly (readonly string[])[];
  /** Run by cloud-init after it has installed the packages. */
  afterPackages?: readonly (readonly string[])[];
}

/** The machine that a cloud created. */
export interface VpsMachine {
  /** Instance id, or the domain's UUID. */
  id: pulumi.Output<string>;
  name: pulumi.Output<string>;
  /** Where SSH answers: public on AWS. */
  address: pulumi.Output<string>;
}

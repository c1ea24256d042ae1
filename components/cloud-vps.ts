import * as pulumi from "@pulumi/pulumi";
import { type AwsVpsArgs, awsVps } from "./aws-vps.js";
import { type LocalVpsArgs, localVps } from "./local-vps.js";
import type { CloudVpsArgs } from "./vps-args.js";

export type { CloudVpsArgs } from "./vps-args.js";

/** The cloud's own part of the arguments. */
export type CloudArgs = ({ cloud: "aws" } & AwsVpsArgs) | ({ cloud: "local" } & LocalVpsArgs);

/** The spec as a virtual private server: a rented machine that cloud-init sets up for the learner at its first boot. */
export class CloudVps extends pulumi.ComponentResource {
  readonly machineId: pulumi.Output<string>;
  /** The machine's name and hostname. */
  readonly name: pulumi.Output<string>;
  /** IPv4: public on AWS, in the seat's network for a rehearsal. */
  readonly address: pulumi.Output<string>;

  constructor(name: string, args: CloudVpsArgs & CloudArgs, opts?: pulumi.ComponentResourceOptions) {
    super("trilab:index:CloudVps", name, {}, opts);
    const machine = args.cloud === "aws" ? awsVps(name, args, this) : localVps(name, args, this);
    this.machineId = machine.id;
    this.name = machine.name;
    this.address = machine.address;
    this.registerOutputs({ machineId: this.machineId, name: this.name, address: this.address });
  }
}

import { z } from "zod";
import { readCheckpoint } from "../engine/index.js";
import { subnetOf } from "../model/cidr.js";
import { type Endpoints, LOCAL } from "../model/endpoint.js";
import {
  machineName,
  namedAsBefore,
  type SeatId,
  seatPrefix,
  TARGETS,
  type Target,
} from "../model/naming.js";
import { rentedSchema } from "../model/rented.js";
import type { SeatMachine, SeatRecord } from "./record-schema.js";

/** The first version of a seat's record, without endpoints. */
export const recordV1Schema = z.object({
  schema: z.literal(1),
  lab: z.string(),
  seat: z.string(),
  labDir: z.string(),
  owner: z.string(),
  created: z.string(),
  expires: z.string(),
  extendedTo: z.string().optional(),
  slot: z.int(),
  targets: z.array(z.enum(TARGETS)),
  user: z.string(),
  image: z.string(),
  disk: z.int(),
  accelerator: z.enum(["kvm", "tcg"]).optional(),
  vps: rentedSchema
    .extend({
      region: z.string().optional(),
      account: z.string().optional(),
      address: z.string().optional(),
    })
    .optional(),
});
type RecordV1 = z.infer<typeof recordV1Schema>;

/** Converts it to the current version. Pure. */
export function migrated(record: RecordV1, endpoints: Endpoints): SeatRecord {
  const { schema: _, targets, vps, ...kept } = record;
  const { region, account, address, ...rented } = vps ?? {};
  const machine = (target: Target): SeatMachine => {
    const name = machineName(namedAsBefore(record), target);
    if (target === "vps" && vps?.cloud === "aws")
      return {
        target,
        name,
        endpoint: { kind: "ec2", region: region ?? "", ...(account === undefined ? {} : { account }) },
        ...(address === undefined ? {} : { address }),
      };
    const endpoint = target === "container" ? endpoints.docker : endpoints.libvirt;
    return { target, name, endpoint, address: subnetOf(record.slot, target).address };
  };
  return {
    ...kept,
    schema: 2,
    machines: targets.map(machine),
    ...(vps ? { vps: rentedSchema.parse(rented) } : {}),
  };
}

/** The daemons of the providers in a seat's state; this machine's if the state has none. */
export async function endpointsInState(id: SeatId): Promise<Endpoints> {
  const checkpoint = await readCheckpoint({ stack: seatPrefix(id) }).catch(() => undefined);
  const input = (provider: string, name: string): string | undefined => {
    const found = checkpoint?.resources.find(({ type }) => type === `pulumi:providers:${provider}`);
    return z.string().min(1).safeParse(found?.inputs[name]).data;
  };
  const [host, certPath, uri] = [
    input("docker", "host"),
    input("docker", "certPath"),
    input("libvirt", "uri"),
  ];
  return {
    docker: host ? { kind: "docker", host, ...(certPath ? { certPath } : {}) } : LOCAL.docker,
    libvirt: uri ? { kind: "libvirt", uri } : LOCAL.libvirt,
  };
}

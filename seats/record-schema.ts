import { z } from "zod";
import { CLOUD_WISHES } from "../labs/cloud-wishes.js";
import { endpointSchema } from "../model/endpoint.js";
import { TARGETS } from "../model/naming.js";
import { rentedSchema } from "../model/rented.js";

/** One machine of a seat: which target it realises, and where it is. */
const machineSchema = z.object({
  target: z.enum(TARGETS),
  /** Its name at the endpoint, and its hostname. */
  name: z.string(),
  /** The daemon or cloud region that has it. Every question about it goes there. */
  endpoint: endpointSchema,
  /** IPv4; absent while AWS has not given one. */
  address: z.string().optional(),
});
export type SeatMachine = z.infer<typeof machineSchema>;

/** What the lab said when the seat was made of things that a command line may choose, too. */
const labThenSchema = z.object({
  targets: z.array(z.enum(TARGETS)),
  /** Seconds; null for none. */
  ttl: z.number().nullable(),
  cloud: z.enum(CLOUD_WISHES),
});
export type LabThen = z.infer<typeof labThenSchema>;

/** What trilab remembers of a seat beside Pulumi's state: enough to reach its machines without an engine. */
export const recordSchema = z.object({
  schema: z.literal(2),
  lab: z.string(),
  seat: z.string(),
  /** The folder of the lab, absolute. */
  labDir: z.string(),
  owner: z.string(),
  /** ISO 8601, of the first `up`. */
  created: z.string(),
  /** The original expiry, as the labels say: ISO 8601 or `never`. For the effective one see expiryInForce(). */
  expires: z.string(),
  /** What `extend` has moved it to: ISO 8601, or `never`. */
  extendedTo: z.string().optional(),
  /** The block of addresses: 0 … 1023, see model/cidr.ts. */
  slot: z.int(),
  /** What was asked for until now; a machine stays until `down`. */
  machines: z.array(machineSchema),
  /** The login user of the spec. */
  user: z.string(),
  /** The matched image's hash. */
  image: z.string(),
  /** Bytes of the guest's disk when it was made. */
  disk: z.int(),
  /** What runs the guest, found out at its first `up` and kept: another would replace the domain. */
  accelerator: z.enum(["kvm", "tcg"]).optional(),
  /** Present with the target vps. */
  vps: rentedSchema.optional(),
  /** US dollars that the rented machine may cost by the seat's end; absent: any amount. */
  budget: z.number().optional(),
  /** Absent in older records. */
  labThen: labThenSchema.optional(),
});
export type SeatRecord = z.infer<typeof recordSchema>;

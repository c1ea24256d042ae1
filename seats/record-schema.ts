import { z } from "zod";
import { CLOUD_REQUESTS } from "../labs/cloud-requests.js";
import { endpointSchema } from "../model/endpoint-schema.js";
import { TARGETS } from "../model/naming.js";
import { rentedSchema } from "../model/rented.js";

/** Bytes of memory, and CPUs. */
const sizeSchema = z.object({ memory: z.int(), cpus: z.number() });

/** One machine of a seat: which target it realises, and where it is. */
const machineSchema = z.object({
  target: z.enum(TARGETS),
  /** Its name at the endpoint, and its hostname. */
  name: z.string(),
  /** The daemon or cloud region that has it, and that is queried about it. */
  endpoint: endpointSchema,
  /** IPv4; absent until AWS assigns one. */
  address: z.string().optional(),
  /** How large a domain can become while it runs; absent: it can't be changed, or it is none. */
  ceiling: sizeSchema.optional(),
  /** What `resize` has set; the rest is as the spec says. */
  size: sizeSchema.partial().optional(),
  /** ISO 8601: when `trilab stop` stopped it; absent: it has been started since, or never was stopped. */
  stopped: z.string().optional(),
});
export type SeatMachine = z.infer<typeof machineSchema>;

/** The lab's values, when the seat was made, of settings that the command line may override. */
const labThenSchema = z.object({
  targets: z.array(z.enum(TARGETS)),
  /** Seconds; null for none. */
  ttl: z.number().nullable(),
  cloud: z.enum(CLOUD_REQUESTS),
});
export type LabThen = z.infer<typeof labThenSchema>;

/** Digests of what the last `up` left: while they are the same, the next one has nothing to do. */
const deployedSchema = z.object({
  /** Of the settings, and of the compiled program that applied them. */
  settings: z.string(),
  /** Of Pulumi's state. */
  state: z.string(),
  /** Of what each daemon has of the seat: Docker, libvirt. */
  daemons: z.array(z.string()),
  /** How many resources the state has. */
  resources: z.int(),
});
export type Deployed = z.infer<typeof deployedSchema>;

/** What trilab stores about a seat in addition to Pulumi's state: enough to reach its machines without the engine. */
export const recordSchema = z.object({
  schema: z.literal(2),
  lab: z.string(),
  seat: z.string(),
  /** Present in the record of a seat whose names an older trilab joined in another way. */
  prefix: z.string().optional(),
  /** The folder of the lab, absolute. */
  labDir: z.string(),
  owner: z.string(),
  /** ISO 8601, of the first `up`. */
  created: z.string(),
  /** The original expiry, as the labels say: ISO 8601 or `never`. For the effective one see expiryInForce(). */
  expires: z.string(),
  /** The expiry that `extend` has set: ISO 8601, or `never`. */
  extendedTo: z.string().optional(),
  /** The block of addresses: 0 … 1023, see model/cidr.ts. */
  slot: z.int(),
  /** The machines of all targets requested so far; a machine stays until `down`. */
  machines: z.array(machineSchema),
  /** The login user of the spec. */
  user: z.string(),
  /** The matched image's hash. */
  image: z.string(),
  /** Bytes of the guest's disk when it was made. */
  disk: z.int(),
  /** KVM or emulation, found out at the guest's first `up` and kept, because a change would replace the domain. */
  accelerator: z.enum(["kvm", "tcg"]).optional(),
  /** Present with the target vps. */
  vps: rentedSchema.optional(),
  /** US dollars that the rented machine may cost until the seat's end; absent: no limit. */
  budget: z.number().optional(),
  /** Absent in older records. */
  labThen: labThenSchema.optional(),
  /** In a shared state: the only machine that reaches it, because its machines are on that machine's own daemons. */
  onlyFrom: z.object({ id: z.string(), name: z.string() }).optional(),
  /** The class whose `class up` made it, or took it over from an older trilab; null: it is of no class. Absent in older records. */
  class: z.string().nullable().optional(),
  /** Absent when a part did not run, or is rented. */
  deployed: deployedSchema.optional(),
});
export type SeatRecord = z.infer<typeof recordSchema>;

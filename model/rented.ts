import { z } from "zod";
import { CLOUDS, CREDITS, NETWORKS } from "./clouds.js";

/** What is rented for a seat: chosen when its VPS is first asked for, and kept until `down`. */
export const rentedSchema = z.object({
  cloud: z.enum(CLOUDS),
  /** Instance type. */
  type: z.string(),
  credits: z.enum(CREDITS),
  /** `local` only: the image with cloud-init that it boots. */
  image: z.string().optional(),
  /** `aws` only, like all below. */
  network: z.enum(NETWORKS).optional(),
  spot: z.boolean().optional(),
  /** The one address that may reach SSH, with /32. */
  learner: z.string().optional(),
  /** ISO 8601: when it got that address, from which on it costs. */
  since: z.string().optional(),
});
export type Rented = z.infer<typeof rentedSchema>;

import { z } from "zod";
import { CLOUDS, CREDITS, NETWORKS } from "./clouds.js";

/** What is rented for a seat: chosen when its VPS is first requested, and kept until `down`. */
export const rentedSchema = z.object({
  cloud: z.enum(CLOUDS),
  /** Instance type. */
  type: z.string(),
  /** The type that was rented first, if `resize` has changed it. */
  firstType: z.string().optional(),
  credits: z.enum(CREDITS),
  /** Only for `local`: the image with cloud-init that it boots. */
  image: z.string().optional(),
  /** Only for `aws`, like all below. */
  network: z.enum(NETWORKS).optional(),
  spot: z.boolean().optional(),
  /** The only address that may reach SSH, with /32. */
  learner: z.string().optional(),
  /** ISO 8601: when it began to cost money. */
  since: z.string().optional(),
  /** The instance that costs money since then. */
  instance: z.string().optional(),
  /** Seconds in which it was stopped since then, without the present stop. */
  stoppedSeconds: z.number().optional(),
});
export type Rented = z.infer<typeof rentedSchema>;

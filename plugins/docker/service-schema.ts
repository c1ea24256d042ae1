import { z } from "zod";
import { durationSchema, mountFields } from "./container-schema.js";
import { labelsSchema } from "./labels.js";

const strings = z.array(z.string());

/** A service's inputs: those that our component sets, and no others. Names as in the SDK. */
export const serviceSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[a-zA-Z0-9]([a-zA-Z0-9_-]*[a-zA-Z0-9])?$/, "expected a service name: letters, digits, _ -"),
  labels: labelsSchema.optional(),
  /** Default: one replica. */
  mode: z
    .strictObject({ replicated: z.strictObject({ replicas: z.int().min(0).optional() }).optional() })
    .optional(),
  endpointSpec: z.strictObject({ mode: z.enum(["vip", "dnsrr"]).optional() }).optional(),
  taskSpec: z.strictObject({
    containerSpec: z.strictObject({
      image: z.string().min(1),
      /** Replaces the image's entry point. */
      commands: strings.optional(),
      /** Arguments of that. */
      args: strings.optional(),
      hostname: z.string().optional(),
      /** Name → value. */
      env: z.record(z.string(), z.string()).optional(),
      user: z.string().optional(),
      labels: labelsSchema.optional(),
      /** Whether to run an init process that reaps children. Default: the daemon's. */
      init: z.boolean().optional(),
      readOnly: z.boolean().optional(),
      capAdds: strings.optional(),
      capDrops: strings.optional(),
      mounts: z
        .array(
          z.strictObject({
            ...mountFields,
            volumeOptions: z
              .strictObject({ labels: labelsSchema.optional(), noCopy: z.boolean().optional() })
              .optional(),
          }),
        )
        .optional(),
      stopGracePeriod: durationSchema.optional(),
    }),
    resources: z
      .strictObject({
        limits: z
          .strictObject({ memoryBytes: z.int().min(0).optional(), nanoCpus: z.int().min(0).optional() })
          .optional(),
      })
      .optional(),
    restartPolicy: z
      .strictObject({
        condition: z.enum(["none", "on-failure", "any"]).optional(),
        delay: durationSchema.optional(),
        /** 0: no limit. */
        maxAttempts: z.int().min(0).optional(),
        window: durationSchema.optional(),
      })
      .optional(),
    placement: z.strictObject({ constraints: strings.optional() }).optional(),
    networksAdvanceds: z
      .array(
        z.strictObject({
          /** A network's name or ID. A name differs from what the daemon reports. */
          name: z.string().min(1),
          aliases: strings.optional(),
        }),
      )
      .optional(),
    logDriver: z
      .strictObject({ name: z.string(), options: z.record(z.string(), z.string()).optional() })
      .optional(),
    /** Another number makes all containers anew. */
    forceUpdate: z.int().min(0).optional(),
  }),
});

export type ServiceInputs = z.output<typeof serviceSchema>;
export type TaskInputs = ServiceInputs["taskSpec"];

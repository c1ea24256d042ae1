import type { Filter } from "@aws-sdk/client-ec2";
import { z } from "zod";

/** Filters in the form of the SDK's data sources. */
export const filtersSchema = z.array(z.strictObject({ name: z.string(), values: z.array(z.string()) }));

export const filterList = (filters: z.output<typeof filtersSchema> = []): Filter[] =>
  filters.map(({ name, values }) => ({ Name: name, Values: values }));

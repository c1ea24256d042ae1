import type { z } from "zod";
import type { Context } from "./resource.js";
import type { PropertyMap } from "./values.js";

/** A function of a provider's that only looks (Pulumi calls it an invoke). `Args` is what its schema yields. */
export interface DataSource<Schema extends z.ZodObject, Client> {
  /** As in the SDK: `aws:ec2/getAmi:getAmi`. */
  token: string;
  /** A strict object: one entry for each argument that is honoured. */
  schema: Schema;
  /** @throws UserError when what is asked for isn't there, or can't be looked for. */
  look(args: z.output<Schema>, ctx: Context<Client>): Promise<PropertyMap>;
}

/** A data source with its schema's type erased, as the dispatcher keeps it. */
export interface AnyDataSource<Client> {
  token: string;
  schema: z.ZodObject;
  look(args: PropertyMap, ctx: Context<Client>): Promise<PropertyMap>;
}

/** Ties a data source's schema to its function: it gets parsed, typed arguments. */
export function defineDataSource<Schema extends z.ZodObject, Client>(
  source: DataSource<Schema, Client>,
): AnyDataSource<Client> {
  return { ...source, look: (args, ctx) => source.look(source.schema.parse(args), ctx) };
}

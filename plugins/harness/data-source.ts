import type { z } from "zod";
import type { Context } from "./resource.js";
import type { PropertyMap } from "./values.js";

/** A provider's function that only reads (Pulumi calls it an invoke). `Args` is the type of its schema's result. */
export interface DataSource<Schema extends z.ZodObject, Client> {
  /** Its token in the SDK: `aws:ec2/getAmi:getAmi`. */
  token: string;
  /** A strict object with one entry for each supported argument. */
  schema: Schema;
  /** @throws UserError when it finds nothing, or can't search. */
  look(args: z.output<Schema>, ctx: Context<Client>): Promise<PropertyMap>;
}

/** A data source without its schema's type, for the dispatcher. */
export interface AnyDataSource<Client> {
  token: string;
  schema: z.ZodObject;
  look(args: PropertyMap, ctx: Context<Client>): Promise<PropertyMap>;
}

/** Connects a data source's schema to its function, which gets parsed and typed arguments. */
export function defineDataSource<Schema extends z.ZodObject, Client>(
  source: DataSource<Schema, Client>,
): AnyDataSource<Client> {
  return { ...source, look: (args, ctx) => source.look(source.schema.parse(args), ctx) };
}

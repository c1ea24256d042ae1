import type { z } from "zod";
import type { Failure } from "./errors.js";
import type { PropertyMap } from "./values.js";

/** What a handler is given besides its inputs. */
export interface Context<Client> {
  /** The resource's URN; of a data source its token. */
  urn: string;
  /** The connection to the daemon or cloud, made on first use. @throws UserError when it can't be had. */
  client(): Promise<Client>;
  /** Aborted when the run is cancelled: stop waiting, undo what is half made, and throw. */
  signal: AbortSignal;
}

/** How one input property behaves when it changes. */
export interface PropertyRule {
  /**
   * `replace`: a new object is needed. `update`: the object can be changed in place.
   * A function decides by value (lifting a limit may need what tightening it does not).
   */
  on: "replace" | "update" | ((was: unknown, becomes: unknown) => "replace" | "update");
  /** What the property is when it is not set. Leave out where only the daemon knows: then it never differs. */
  default?: boolean | number | string;
  /** Whether what the object has satisfies what is asked for. Default: structurally equal. */
  agrees?: (has: unknown, wants: unknown) => boolean;
}

export interface Made {
  id: string;
  outs: PropertyMap;
}

export interface Found extends Made {
  /** The inputs that would make the object as it is. */
  inputs: PropertyMap;
}

/** What was known of an object before it is read; both empty on import. */
export interface Known {
  inputs: PropertyMap;
  state: PropertyMap;
}

/** One resource type. `Inputs` is what its schema yields. */
export interface Resource<Schema extends z.ZodObject, Client> {
  /** As in the SDK: `docker:index/network:Network`. */
  token: string;
  /** A strict object: one entry for each input that is honoured. */
  schema: Schema;
  /** One rule for each input of the schema. */
  rules: Record<keyof z.output<Schema> & string, PropertyRule>;
  /** Outputs that are not inputs: unknown in the preview of a create. */
  computed: readonly string[];
  /** This property is made up when it is not given, as official providers do: the resource's name and 7 hex digits. */
  autoname?: keyof z.output<Schema> & string;
  /** Whether the old object must go first: it holds a name, a port or a subnet that the new one needs. */
  deleteBeforeReplace: boolean;
  /** Rules across properties. Called only with inputs that fit the schema; unknown ones are left out. */
  validate?(inputs: Partial<z.output<Schema>>): Failure[];
  create(inputs: z.output<Schema>, ctx: Context<Client>): Promise<Made>;
  /** @returns undefined when the object is gone. Throws when that can't be told: the state must then be kept. */
  read(id: string, known: Known, ctx: Context<Client>): Promise<Found | undefined>;
  /** Changes in place what the rules say can be. Not needed when every rule replaces. */
  update?(id: string, inputs: z.output<Schema>, old: Known, ctx: Context<Client>): Promise<PropertyMap>;
  /** Already gone is success. */
  delete(id: string, state: PropertyMap, ctx: Context<Client>): Promise<void>;
}

/** A resource with its schema's type erased, as the dispatcher keeps it. */
export interface AnyResource<Client> {
  token: string;
  schema: z.ZodObject;
  rules: Record<string, PropertyRule>;
  computed: readonly string[];
  autoname: string | undefined;
  deleteBeforeReplace: boolean;
  validate(inputs: PropertyMap): Failure[];
  create(inputs: PropertyMap, ctx: Context<Client>): Promise<Made>;
  read(id: string, known: Known, ctx: Context<Client>): Promise<Found | undefined>;
  update(id: string, inputs: PropertyMap, old: Known, ctx: Context<Client>): Promise<PropertyMap>;
  delete(id: string, state: PropertyMap, ctx: Context<Client>): Promise<void>;
}

/** Ties a resource's schema to its functions: they get parsed, typed inputs. */
export function defineResource<Schema extends z.ZodObject, Client>(
  resource: Resource<Schema, Client>,
): AnyResource<Client> {
  const parse = (inputs: PropertyMap): z.output<Schema> => resource.schema.parse(withoutMeta(inputs));
  return {
    token: resource.token,
    schema: resource.schema,
    rules: resource.rules,
    computed: resource.computed,
    autoname: resource.autoname,
    deleteBeforeReplace: resource.deleteBeforeReplace,
    // The schema has accepted what is there; what is not yet known is absent, hence Partial.
    validate: (inputs) => resource.validate?.(inputs as Partial<z.output<Schema>>) ?? [],
    create: (inputs, ctx) => resource.create(parse(inputs), ctx),
    read: (id, known, ctx) => resource.read(id, known, ctx),
    update: async (id, inputs, old, ctx) =>
      resource.update ? await resource.update(id, parse(inputs), old, ctx) : { ...old.state, ...inputs },
    delete: (id, state, ctx) => resource.delete(id, state, ctx),
  };
}

/** Without the bookkeeping properties the engine, the official provider and we keep in bags (`__defaults`, …). */
export function withoutMeta(bag: PropertyMap): PropertyMap {
  return Object.fromEntries(Object.entries(bag).filter(([key]) => !key.startsWith("__")));
}

/** Thrown by `create` when the object exists but isn't right and couldn't be removed: the engine then tracks it. */
export class HalfMade extends Error {
  override readonly name = "HalfMade";
  constructor(
    readonly made: Made,
    cause: Error,
  ) {
    super(cause.message, { cause });
  }
}

import type { z } from "zod";
import type { Failure } from "./errors.js";
import type { PropertyMap } from "./values.js";

/** What a handler gets in addition to its inputs. */
export interface Context<Client> {
  /** The resource's URN, or the data source's token. */
  urn: string;
  /** The connection to the daemon or cloud, made at its first use. @throws UserError when it can't be made. */
  client(): Promise<Client>;
  /** Aborted when the run is cancelled: then the handler stops waiting, removes unfinished objects, and throws. */
  signal: AbortSignal;
}

/** What happens when an input property changes. */
export interface PropertyRule {
  /**
   * `replace`: a new object is made. `update`: the object is changed in place. A function decides by the values: removing a
   * limit may need a new object, although lowering it does not.
   */
  on: "replace" | "update" | ((was: unknown, becomes: unknown) => "replace" | "update");
  /** The property's value if it is not set. Absent: only the daemon knows, so an unset property never differs. */
  default?: boolean | number | string;
  /** Whether the object's value agrees with the input. Default: they are structurally equal. */
  agrees?: (has: unknown, wants: unknown) => boolean;
}

export interface Made {
  id: string;
  outs: PropertyMap;
}

export interface Found extends Made {
  /** The inputs that would make the object as it is now. */
  inputs: PropertyMap;
}

/** What was known about an object before it is read; both are empty in an import. */
export interface Known {
  inputs: PropertyMap;
  state: PropertyMap;
}

/** One resource type. `Inputs` is the type of its schema's result. */
export interface Resource<Schema extends z.ZodObject, Client> {
  /** Its token in the SDK: `docker:index/network:Network`. */
  token: string;
  /** A strict object with one entry for each supported input. */
  schema: Schema;
  /** One rule for each input of the schema. */
  rules: Record<keyof z.output<Schema> & string, PropertyRule>;
  /** Outputs that are not inputs. They are not known in the preview of a create. */
  computed: readonly string[];
  /** The property that is generated if it is not set, as in official providers: the resource's name and 7 hex digits. */
  autoname?: keyof z.output<Schema> & string;
  /** Whether the old object must be removed first, because the new one needs its name, port or subnet. */
  deleteBeforeReplace: boolean;
  /** Checks several properties together. Called only with inputs that fit the schema, without those that are not known yet. */
  validate?(inputs: Partial<z.output<Schema>>): Failure[];
  create(inputs: z.output<Schema>, ctx: Context<Client>): Promise<Made>;
  /** @returns `undefined` if the object is gone. @throws if that can't be found out: then the state must be kept. */
  read(id: string, known: Known, ctx: Context<Client>): Promise<Found | undefined>;
  /** Changes in place the properties whose rules allow it. Not needed if all rules are `replace`. */
  update?(id: string, inputs: z.output<Schema>, old: Known, ctx: Context<Client>): Promise<PropertyMap>;
  /** Succeeds if it is already gone. */
  delete(id: string, state: PropertyMap, ctx: Context<Client>): Promise<void>;
}

/** A resource without its schema's type, for the dispatcher. */
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

/** Connects a resource's schema to its functions, which get parsed and typed inputs. */
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
    // The schema has accepted these inputs. They are Partial because those that are not known yet are absent.
    validate: (inputs) => resource.validate?.(inputs as Partial<z.output<Schema>>) ?? [],
    create: (inputs, ctx) => resource.create(parse(inputs), ctx),
    read: (id, known, ctx) => resource.read(id, known, ctx),
    update: async (id, inputs, old, ctx) =>
      resource.update ? await resource.update(id, parse(inputs), old, ctx) : { ...old.state, ...inputs },
    delete: (id, state, ctx) => resource.delete(id, state, ctx),
  };
}

/** Removes the internal properties of the engine, the official provider and ours (`__defaults`, …). */
export function withoutMeta(bag: PropertyMap): PropertyMap {
  return Object.fromEntries(Object.entries(bag).filter(([key]) => !key.startsWith("__")));
}

/** Thrown by `create` if the object exists, but failed and could not be removed: then the engine keeps it in its state. */
export class HalfMade extends Error {
  override readonly name = "HalfMade";
  constructor(
    readonly made: Made,
    cause: Error,
  ) {
    super(cause.message, { cause });
  }
}

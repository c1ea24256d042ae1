import type { z } from "zod";
import { UserError } from "../../base/errors.js";
import { type Checked, check, problemsOf, pruneUnknown } from "./check.js";
import type { AnyDataSource } from "./data-source.js";
import { type Changes, diff } from "./diff.js";
import type { Failure } from "./errors.js";
import { reason, type StandInName, title, useOfficial } from "./errors.js";
import {
  type AnyResource,
  type Context,
  type Found,
  type Known,
  type Made,
  withoutMeta,
} from "./resource.js";
import { isUnknown, type PropertyMap, UNKNOWN } from "./values.js";

/** The part of a plugin that is loaded with the first request that needs it. */
export interface Parts<Client> {
  /** The provider's own configuration: a strict object of the supported properties. */
  config: z.ZodObject;
  /** Checks of the known configuration that the schema can't express. */
  validateConfig?(config: PropertyMap): Failure[];
  /** Makes the client; called when it is first needed. @throws UserError when the configuration or the environment is invalid. */
  connect(config: PropertyMap): Promise<Client>;
  resources: readonly AnyResource<Client>[];
  /** The functions that only read. Default: none. */
  dataSources?: readonly AnyDataSource<Client>[];
  /** Adds the configuration's defaults for all resources (default tags) to a resource's inputs. */
  withDefaults?(inputs: PropertyMap, resource: AnyResource<Client>, config: PropertyMap): PropertyMap;
}

/** Properties that the engine adds to a provider's configuration. */
const ENGINE_CONFIG: ReadonlySet<string> = new Set(["version", "pluginDownloadURL", "pluginChecksums"]);

/** Handles a plugin's requests, without the protocol: finds the resource by its token, keeps one client, and can be cancelled. */
export class StandIn<Client> {
  readonly #abort = new AbortController();
  #config: PropertyMap = {};
  #client: Promise<Client> | undefined;
  #parts: Promise<Parts<Client>> | undefined;
  #orphaned = false;

  constructor(
    readonly plugin: StandInName,
    private readonly load: () => Promise<Parts<Client>>,
  ) {}

  /** Stops waiting: what is being made is either finished at once or removed. */
  cancel(): void {
    this.#abort.abort(
      new UserError("the run was cancelled", {
        why: "the engine asked the plugin to stop",
        fix: "run it again; unfinished objects were removed",
      }),
    );
  }

  /** As `cancel`, if the engine has ended: nobody can save from now on what is made. */
  orphan(): void {
    this.#orphaned = true;
    this.cancel();
  }

  async checkConfig(news: PropertyMap): Promise<Checked> {
    const parts = await this.#load();
    const known = pruneUnknown(ownConfig(news));
    const failures = problemsOf(parts.config, known.value, known.paths, this.plugin);
    if (failures.length === 0) failures.push(...(parts.validateConfig?.(known.value) ?? []));
    return { inputs: news, failures };
  }

  configure(config: PropertyMap): void {
    this.#config = ownConfig(config);
    this.#client = undefined;
  }

  async check(urn: string, olds: PropertyMap, news: PropertyMap): Promise<Checked> {
    const found = await this.#find(urn);
    if (typeof found === "string")
      return {
        inputs: news,
        failures: [
          {
            property: "",
            reason: reason(
              `${typeOf(urn)} is not supported`,
              `${title(this.plugin)} knows only ${found}`,
              `remove the resource, or use the official plugin; ${useOfficial(this.plugin)}`,
            ),
          },
        ],
      };
    const { withDefaults } = await this.#load();
    return check(found, this.plugin, urn, olds, withDefaults?.(news, found, this.#config) ?? news);
  }

  async diff(
    urn: string,
    old: Known,
    news: PropertyMap,
    ignore: readonly string[],
  ): Promise<{ changes: Changes; deleteBeforeReplace: boolean }> {
    const resource = await this.#resource(urn);
    return {
      changes: diff(resource, old.state, old.inputs, news, ignore),
      deleteBeforeReplace: resource.deleteBeforeReplace,
    };
  }

  async create(urn: string, inputs: PropertyMap, preview: boolean): Promise<Made> {
    const resource = await this.#resource(urn);
    if (preview) {
      const unknown = Object.fromEntries(resource.computed.map((key) => [key, UNKNOWN]));
      return { id: "", outs: { ...unknown, ...withoutMeta(inputs) } };
    }
    this.#abort.signal.throwIfAborted();
    const ctx = this.#context(urn);
    const made = await resource.create(inputs, ctx);
    if (this.#orphaned) await resource.delete(made.id, made.outs, ctx);
    return made;
  }

  async read(urn: string, id: string, known: Known): Promise<Found | undefined> {
    return (await this.#resource(urn)).read(id, known, this.#context(urn));
  }

  async update(
    urn: string,
    id: string,
    old: Known,
    inputs: PropertyMap,
    preview: boolean,
  ): Promise<PropertyMap> {
    const resource = await this.#resource(urn);
    if (preview) return { ...old.state, ...withoutMeta(inputs) };
    this.#abort.signal.throwIfAborted();
    return resource.update(id, inputs, old, this.#context(urn));
  }

  async delete(urn: string, id: string, state: PropertyMap): Promise<void> {
    await (await this.#resource(urn)).delete(id, state, this.#context(urn));
  }

  /** Calls a data source. `failures` are its refused arguments. */
  async invoke(token: string, args: PropertyMap): Promise<{ outs: PropertyMap; failures: Failure[] }> {
    const { dataSources = [] } = await this.#load();
    const source = dataSources.find((item) => item.token === token);
    if (!source)
      throw new UserError(`${token} is not supported`, {
        why: `${title(this.plugin)} knows only ${dataSources.map((item) => item.token).join(", ") || "resources"}`,
        fix: `use the official plugin; ${useOfficial(this.plugin)}`,
      });
    const known = pruneUnknown(args);
    const failures = problemsOf(source.schema, known.value, known.paths, this.plugin);
    if (failures.length > 0) return { outs: {}, failures };
    this.#abort.signal.throwIfAborted();
    return { outs: await source.look(known.value, this.#context(token)), failures };
  }

  #context(urn: string): Context<Client> {
    return { urn, client: () => this.#connect(), signal: this.#abort.signal };
  }

  async #connect(): Promise<Client> {
    const unknown = Object.keys(this.#config).filter((key) => isUnknown(this.#config[key]));
    if (unknown.length > 0)
      throw new UserError(`the provider's ${unknown.join(", ")} is not known yet`, {
        why: "it comes from a resource that does not exist during this preview",
        fix: "run `pulumi up`, or use a plain value",
      });
    this.#client ??= this.#load().then((parts) => parts.connect(this.#config));
    return this.#client;
  }

  #load(): Promise<Parts<Client>> {
    this.#parts ??= this.load();
    return this.#parts;
  }

  /** The resource, or the names of all resources if there is none of this type. */
  async #find(urn: string): Promise<AnyResource<Client> | string> {
    const { resources } = await this.#load();
    const token = typeOf(urn);
    return (
      resources.find((resource) => resource.token === token) ??
      resources.map((resource) => resource.token).join(", ")
    );
  }

  async #resource(urn: string): Promise<AnyResource<Client>> {
    const found = await this.#find(urn);
    if (typeof found !== "string") return found;
    throw new UserError(`${typeOf(urn)} is not supported`, {
      why: `${title(this.plugin)} knows only ${found}`,
      fix: useOfficial(this.plugin),
    });
  }
}

/** The type in a URN, without the types of its parents: `docker:index/network:Network`. */
function typeOf(urn: string): string {
  return urn.split("::")[2]?.split("$").at(-1) ?? urn;
}

function ownConfig(config: PropertyMap): PropertyMap {
  return Object.fromEntries(
    Object.entries(withoutMeta(config)).filter(
      // The SDK encodes what is not a string as JSON, so a property that is not set may arrive as the text "undefined" or "null".
      ([key, value]) => !ENGINE_CONFIG.has(key) && value !== "undefined" && value !== "null" && value !== "",
    ),
  );
}

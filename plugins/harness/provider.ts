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

/** The part of a plugin that is loaded only once a first request needs it. */
export interface Parts<Client> {
  /** The provider's own configuration: a strict object of what is honoured. */
  config: z.ZodObject;
  /** Rules beyond the schema for configuration that is known. */
  validateConfig?(config: PropertyMap): Failure[];
  /** Connects, lazily. @throws UserError when the configuration or the environment makes no sense. */
  connect(config: PropertyMap): Promise<Client>;
  resources: readonly AnyResource<Client>[];
  /** What can be asked without being managed. Default: nothing. */
  dataSources?: readonly AnyDataSource<Client>[];
  /** Adds to a resource's inputs what the configuration says of every resource (default tags). */
  withDefaults?(inputs: PropertyMap, resource: AnyResource<Client>, config: PropertyMap): PropertyMap;
}

/** Properties that the engine itself adds to a provider's configuration. */
const ENGINE_CONFIG: ReadonlySet<string> = new Set(["version", "pluginDownloadURL", "pluginChecksums"]);

/** A plugin's requests, free of the wire: dispatch by token, one client, cancellation. */
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

  /** Stops waiting: what is being made is either finished at once or undone. */
  cancel(): void {
    this.#abort.abort(
      new UserError("the run was cancelled", {
        why: "the engine asked the plugin to stop",
        fix: "run it again; what was half made has been taken away",
      }),
    );
  }

  /** As `cancel`, and the engine is gone: what is made from here on has nobody to record it. */
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
              `leave the resource out, or use the official plugin; ${useOfficial(this.plugin)}`,
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

  /** Answers a data source; `failures` are of its arguments. */
  async invoke(token: string, args: PropertyMap): Promise<{ outs: PropertyMap; failures: Failure[] }> {
    const { dataSources = [] } = await this.#load();
    const source = dataSources.find((item) => item.token === token);
    if (!source)
      throw new UserError(`${token} is not supported`, {
        why: `${title(this.plugin)} knows ${dataSources.map((item) => item.token).join(", ") || "no function"}`,
        fix: useOfficial(this.plugin),
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
        why: "it comes from a resource that this preview only plans",
        fix: "run `pulumi up`, or give a plain value",
      });
    this.#client ??= this.#load().then((parts) => parts.connect(this.#config));
    return this.#client;
  }

  #load(): Promise<Parts<Client>> {
    this.#parts ??= this.load();
    return this.#parts;
  }

  /** The resource, or the list of those there are. */
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

/** `docker:index/network:Network` out of a URN, whose type part also names the parents. */
function typeOf(urn: string): string {
  return urn.split("::")[2]?.split("$").at(-1) ?? urn;
}

function ownConfig(config: PropertyMap): PropertyMap {
  return Object.fromEntries(
    Object.entries(withoutMeta(config)).filter(
      // The SDK JSON-encodes what isn't a string, so "not set" may arrive as the text "undefined" or "null".
      ([key, value]) => !ENGINE_CONFIG.has(key) && value !== "undefined" && value !== "null" && value !== "",
    ),
  );
}

import type { Metadata, UntypedServiceImplementation } from "@grpc/grpc-js";
import type { Struct as StructMessage } from "google-protobuf/google/protobuf/struct_pb.js";
import { type Checked, pathText } from "./check.js";
import type { Failure } from "./errors.js";
import { textOf } from "./errors.js";
import { Any, Empty, grpc, messages, PluginInfo, ResourceProviderService, Status, Struct } from "./proto.js";
import type { StandIn } from "./provider.js";
import { HalfMade } from "./resource.js";
import {
  noSecrets,
  openSecrets,
  type PropertyMap,
  redact,
  type Secrets,
  same,
  sealSecrets,
} from "./values.js";

type Bag = StructMessage | undefined;
type Answer<Response> = (error: object | null, response?: Response) => void;

/**
 * Pulumi's ResourceProvider service for one stand-in. The server of `@pulumi/pulumi/provider` is not used, because it passes
 * neither configuration, previews, old inputs nor cancellation to the provider.
 *
 * @param running The current requests. It is kept up to date, so that the caller can wait for their end.
 */
function serviceOf<Client>(
  standIn: StandIn<Client>,
  running: Set<Promise<void>>,
): UntypedServiceImplementation {
  /** Wraps a handler: unpacks the secrets of its request, and converts its errors to those of the engine. */
  const method =
    <Request, Response>(
      body: (request: Request, open: (bag: Bag) => PropertyMap, secrets: Secrets) => Promise<Response>,
    ) =>
    (call: { request: Request }, answer: Answer<Response>): void => {
      const secrets = noSecrets();
      const done = body(call.request, (bag) => openSecrets(bag?.toJavaScript(), secrets), secrets).then(
        (response) => answer(null, response),
        (error: unknown) =>
          answer(failure(redact(textOf(unwrap(error), standIn.plugin), secrets), error, secrets)),
      );
      running.add(done);
      void done.finally(() => running.delete(done));
    };

  const failureList = (failures: Failure[], secrets: Secrets) =>
    failures.map(({ property, reason }) => {
      const item = new messages.CheckFailure();
      item.setProperty(property);
      item.setReason(redact(reason, secrets));
      return item;
    });
  const checked = (result: Checked, secrets: Secrets): InstanceType<typeof messages.CheckResponse> => {
    const response = new messages.CheckResponse();
    response.setInputs(Struct.fromJavaScript(sealSecrets(result.inputs, secrets)));
    response.setFailuresList(failureList(result.failures, secrets));
    return response;
  };

  return {
    getPluginInfo: method(async () => {
      const info = new PluginInfo();
      info.setVersion(standIn.plugin.version);
      return info;
    }),
    getSchema: method(async () => {
      const response = new messages.GetSchemaResponse();
      response.setSchema(JSON.stringify(standIn.plugin));
      return response;
    }),
    attach: method(async () => new Empty()),
    cancel: method(async () => {
      standIn.cancel();
      return new Empty();
    }),

    checkConfig: method(async (request: InstanceType<typeof messages.CheckRequest>, open, secrets) =>
      checked(await standIn.checkConfig(open(request.getNews())), secrets),
    ),
    // Another daemon is no reason to replace everything: each resource is then searched on that daemon.
    diffConfig: method(async (request: InstanceType<typeof messages.DiffRequest>, open) => {
      const response = new messages.DiffResponse();
      const changed = !same(open(request.getOldInputs() ?? request.getOlds()), open(request.getNews()));
      const { DIFF_SOME, DIFF_NONE } = messages.DiffResponse.DiffChanges;
      response.setChanges(changed ? DIFF_SOME : DIFF_NONE);
      return response;
    }),
    configure: method(async (request: InstanceType<typeof messages.ConfigureRequest>, open) => {
      standIn.configure(open(request.getArgs()));
      const response = new messages.ConfigureResponse();
      response.setAcceptsecrets(true);
      response.setSupportspreview(true);
      return response;
    }),

    invoke: method(async (request: InstanceType<typeof messages.InvokeRequest>, open, secrets) => {
      const { outs, failures } = await standIn.invoke(request.getTok(), open(request.getArgs()));
      const response = new messages.InvokeResponse();
      response.setReturn(Struct.fromJavaScript(sealSecrets(outs, secrets)));
      response.setFailuresList(failureList(failures, secrets));
      return response;
    }),

    check: method(async (request: InstanceType<typeof messages.CheckRequest>, open, secrets) => {
      const olds = openSecrets(request.getOlds()?.toJavaScript(), noSecrets());
      return checked(await standIn.check(request.getUrn(), olds, open(request.getNews())), secrets);
    }),
    diff: method(async (request: InstanceType<typeof messages.DiffRequest>, open) => {
      const state = open(request.getOlds());
      const old = { state, inputs: request.hasOldInputs() ? open(request.getOldInputs()) : state };
      const { changes, deleteBeforeReplace } = await standIn.diff(
        request.getUrn(),
        old,
        open(request.getNews()),
        request.getIgnorechangesList(),
      );
      const response = new messages.DiffResponse();
      const { DIFF_SOME, DIFF_NONE } = messages.DiffResponse.DiffChanges;
      response.setChanges(changes.size > 0 ? DIFF_SOME : DIFF_NONE);
      response.setHasdetaileddiff(true);
      response.setDiffsList([...changes.keys()]);
      const { Kind } = messages.PropertyDiff;
      const kinds = {
        add: [Kind.ADD, Kind.ADD_REPLACE],
        delete: [Kind.DELETE, Kind.DELETE_REPLACE],
        update: [Kind.UPDATE, Kind.UPDATE_REPLACE],
      } as const;
      for (const [key, { change, replace }] of changes) {
        const item = new messages.PropertyDiff();
        item.setKind(kinds[change][replace ? 1 : 0]);
        response.getDetaileddiffMap().set(pathText([key]), item);
        if (replace) response.addReplaces(key);
      }
      response.setDeletebeforereplace(deleteBeforeReplace && response.getReplacesList().length > 0);
      return response;
    }),
    create: method(async (request: InstanceType<typeof messages.CreateRequest>, open, secrets) => {
      const made = await standIn.create(
        request.getUrn(),
        open(request.getProperties()),
        request.getPreview(),
      );
      const response = new messages.CreateResponse();
      response.setId(made.id);
      response.setProperties(Struct.fromJavaScript(sealSecrets(made.outs, secrets)));
      return response;
    }),
    read: method(async (request: InstanceType<typeof messages.ReadRequest>, open, secrets) => {
      const known = { inputs: open(request.getInputs()), state: open(request.getProperties()) };
      const found = await standIn.read(request.getUrn(), request.getId(), known);
      const response = new messages.ReadResponse();
      // In the protocol, an empty ID means that it is gone.
      response.setId(found?.id ?? "");
      if (found) {
        response.setProperties(Struct.fromJavaScript(sealSecrets(found.outs, secrets)));
        response.setInputs(Struct.fromJavaScript(sealSecrets(found.inputs, secrets)));
      }
      return response;
    }),
    update: method(async (request: InstanceType<typeof messages.UpdateRequest>, open, secrets) => {
      const old = { state: open(request.getOlds()), inputs: open(request.getOldInputs()) };
      const outs = await standIn.update(
        request.getUrn(),
        request.getId(),
        old,
        open(request.getNews()),
        request.getPreview(),
      );
      const response = new messages.UpdateResponse();
      response.setProperties(Struct.fromJavaScript(sealSecrets(outs, secrets)));
      return response;
    }),
    delete: method(async (request: InstanceType<typeof messages.DeleteRequest>, open) => {
      await standIn.delete(request.getUrn(), request.getId(), open(request.getProperties()));
      return new Empty();
    }),
  };
}

function unwrap(error: unknown): unknown {
  return error instanceof HalfMade ? error.cause : error;
}

/** The error for gRPC. For an object that exists but failed, it includes its ID and state in the form that the engine expects. */
function failure(
  message: string,
  error: unknown,
  secrets: Secrets,
): { code: number; details: string; metadata?: Metadata } {
  const { UNKNOWN } = grpc.status;
  if (!(error instanceof HalfMade)) return { code: UNKNOWN, details: message };
  const detail = new messages.ErrorResourceInitFailed();
  detail.setId(error.made.id);
  detail.setProperties(Struct.fromJavaScript(sealSecrets(error.made.outs, secrets)));
  detail.setReasonsList([message]);
  const packed = new Any();
  packed.pack(detail.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
  const status = new Status();
  status.setCode(UNKNOWN);
  status.setMessage(message);
  status.addDetails(packed);
  const metadata = new grpc.Metadata();
  metadata.add("grpc-status-details-bin", Buffer.from(status.serializeBinary()));
  return { code: UNKNOWN, details: message, metadata };
}

/** How often it checks whether its parent runs, in milliseconds. */
const PARENT_CHECK_MS = 500;

/** After the engine's end, how long the removal of unfinished objects may take, in milliseconds. */
const ORPHAN_GRACE_MS = 10_000;

/** A running server of a stand-in, for one engine. */
export interface Served {
  /** Its port on 127.0.0.1. */
  port: number;
  /**
   * Must be called when the engine has ended: removes unfinished objects, because nobody would save them, then closes the
   * port. Takes up to ten seconds if the daemon does not answer, and is quick if nothing is being made.
   */
  end(): Promise<void>;
}

/** Serves a stand-in on a free port of 127.0.0.1. Returns when it listens. */
export async function listen<Client>(standIn: StandIn<Client>): Promise<Served> {
  // Messages can be large, so there is no limit, as in the engine.
  const server = new grpc.Server({
    "grpc.max_receive_message_length": -1,
    "grpc.max_send_message_length": -1,
  });
  const running = new Set<Promise<void>>();
  server.addService(ResourceProviderService, serviceOf(standIn, running));
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return {
    port,
    async end() {
      standIn.orphan();
      let timer: NodeJS.Timeout | undefined;
      const limit = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, ORPHAN_GRACE_MS);
      });
      await Promise.race([Promise.allSettled(running), limit]);
      clearTimeout(timer);
      server.forceShutdown();
    },
  };
}

/**
 * Serves a stand-in as a plugin's process: prints its port, as the engine expects, and ends with the engine that started it.
 */
export async function serve<Client>(standIn: StandIn<Client>): Promise<void> {
  const served = await listen(standIn);
  const parent = process.ppid;
  let ending = false;
  const end = (): void => {
    if (ending) return;
    ending = true;
    void served.end().then(() => process.exit(0));
  };
  // The engine starts each plugin in its own process group and sends Cancel after a Ctrl-C. It ends a plugin that it does not
  // need any more by SIGINT, and kills it a second later.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, end);
  setInterval(() => process.ppid === parent || end(), PARENT_CHECK_MS).unref();
  process.stdout.write(`${served.port}\n`);
}

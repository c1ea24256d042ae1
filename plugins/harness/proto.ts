import { createRequire } from "node:module";
import type * as grpcTypes from "@grpc/grpc-js";
import type * as anyTypes from "google-protobuf/google/protobuf/any_pb.js";
import type * as emptyTypes from "google-protobuf/google/protobuf/empty_pb.js";
import type * as structTypes from "google-protobuf/google/protobuf/struct_pb.js";

/**
 * Pulumi's provider protocol, from @pulumi/pulumi. The gRPC and protobuf libraries are loaded from its own dependencies,
 * because its generated messages work only with these copies. Only these files are loaded, not the whole SDK, because the
 * handshake must be quick.
 */
const here = createRequire(import.meta.url);
const pulumi = createRequire(here.resolve("@pulumi/pulumi/package.json"));

export const grpc = pulumi("@grpc/grpc-js") as typeof grpcTypes;
export const { Struct } = pulumi("google-protobuf/google/protobuf/struct_pb.js") as typeof structTypes;
export const { Empty } = pulumi("google-protobuf/google/protobuf/empty_pb.js") as typeof emptyTypes;
export const { Any } = pulumi("google-protobuf/google/protobuf/any_pb.js") as typeof anyTypes;
export const messages = here(
  "@pulumi/pulumi/proto/provider_pb.js",
) as typeof import("@pulumi/pulumi/proto/provider_pb.js");
export const { PluginInfo } = here(
  "@pulumi/pulumi/proto/plugin_pb.js",
) as typeof import("@pulumi/pulumi/proto/plugin_pb.js");
export const { Status } = here(
  "@pulumi/pulumi/proto/status_pb.js",
) as typeof import("@pulumi/pulumi/proto/status_pb.js");
export const { ResourceProviderService } = here(
  "@pulumi/pulumi/proto/provider_grpc_pb.js",
) as typeof import("@pulumi/pulumi/proto/provider_grpc_pb.js");

/** The versions of all parts of the engine. The go.mod and go.sum files in engine/go pin the same. */
export const versions = {
  pulumi: "3.228.0",
  /**
   * The oldest CLI on PATH that is used; newer ones are used up to, but not including, 4.0.0, because a CLI also serves older
   * SDKs. Events over gRPC came after 3.205.
   */
  pulumiMinimum: "3.206.0",
  bridge: "1.1.2",
  libvirt: "0.8.3",
  docker: "5.2.0",
  aws: "7.48.0",
  /** The version that the modules' go directives require. Go 1.21 or newer downloads a newer toolchain itself. */
  go: "1.25.8",
  goMinimum: "1.21.0",
} as const;

/** A program that is built from the Go module proxy if no release server can be reached. */
export interface GoTool {
  /** The directory in engine/go with its go.mod and go.sum; also its name in messages and files. */
  name: "pulumi" | "bridge" | "libvirt";
  title: string;
  version: string;
  package: string;
  /** The variable into which the linker writes the version: `package.Variable=value`. */
  stamp?: string;
  /** Minutes that its build takes on two cores, after the tools before it have been built. */
  minutes: number;
}

/** In the order in which they build fastest: after the bridge, the CLI finds most packages in the build cache. */
export const goTools: Record<GoTool["name"], GoTool> = {
  bridge: {
    name: "bridge",
    title: "the Terraform bridge",
    version: versions.bridge,
    package: "github.com/pulumi/pulumi-terraform-bridge/v3/dynamic",
    stamp: `github.com/pulumi/pulumi-terraform-bridge/v3/dynamic/version.version=v${versions.bridge}`,
    minutes: 3,
  },
  pulumi: {
    name: "pulumi",
    title: "the Pulumi CLI",
    version: versions.pulumi,
    package: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
    stamp: `github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v${versions.pulumi}`,
    minutes: 2,
  },
  libvirt: {
    name: "libvirt",
    title: "the libvirt provider",
    version: versions.libvirt,
    package: "github.com/dmacvicar/terraform-provider-libvirt",
    minutes: 1,
  },
};

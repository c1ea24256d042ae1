import { messageOf } from "../base/errors.js";
import { lastFailure } from "./download.js";
import { findPulumi, type Way } from "./find.js";
import { findGo } from "./go-toolchain.js";
import { bridgeFile, isExecutable, libvirtFile, type ProviderName, pluginFile } from "./layout.js";
import { provenance } from "./provenance.js";
import { findPlugin, type ProviderPlugin } from "./provider-plugin.js";
import { versions } from "./versions.js";

/** One part of the engine, as `trilab doctor` shows it. */
export interface ToolReport {
  name: string;
  /** The pinned version. */
  wanted: string;
  /** `undefined` if it is not installed. */
  found: { file: string; version: string | undefined; way: Way } | undefined;
  /** More facts: a CLI that is not used, why a download failed, which Go is installed. */
  notes: string[];
}

/** Where each part of the engine is. Changes nothing, downloads nothing, and takes no lock. */
export async function inspectEngine(): Promise<{
  tools: ToolReport[];
  docker: ProviderPlugin["kind"] | undefined;
  aws: ProviderPlugin["kind"] | undefined;
}> {
  const [cli, docker, aws] = await Promise.all([findPulumi(), findPlugin("docker"), findPlugin("aws")]);
  const notes = cli.unfit.map(({ file, version }) => `${file} is not used (${version ?? "does not run"})`);
  const failure = (await lastFailure("plugin-server")) ?? (await lastFailure("server"));
  if (failure) notes.push(failure);
  if (!cli.found) {
    notes.push(
      await findGo().then(
        (go) => `Go ${go.version} (${go.file}) can build it`,
        (error: unknown) => messageOf(error),
      ),
    );
  }
  const ours = cli.found && (await provenance(cli.found.file));
  const pulumi: ToolReport = {
    name: "pulumi",
    wanted: versions.pulumi,
    found: cli.found && { ...cli.found, way: ours?.way ?? cli.found.way },
    notes,
  };
  return {
    docker: docker?.kind,
    aws: aws?.kind,
    tools: [
      pulumi,
      await fileReport("pulumi-resource-terraform-provider", versions.bridge, bridgeFile()),
      await fileReport("terraform-provider-libvirt", versions.libvirt, libvirtFile()),
      pluginReport("docker", docker),
      pluginReport("aws", aws, "only for a VPS on AWS"),
    ],
  };
}

function pluginReport(provider: ProviderName, plugin: ProviderPlugin | undefined, note?: string): ToolReport {
  const version = plugin?.way === "path" ? undefined : versions[provider];
  return {
    name: pluginFile(provider),
    wanted: versions[provider],
    found: plugin && { file: plugin.file, version, way: plugin.way },
    notes: [
      ...(plugin?.kind === "stand-in" ? ["trilab's stand-in, not Pulumi's own plugin"] : []),
      ...(note === undefined ? [] : [note]),
    ],
  };
}

async function fileReport(name: string, wanted: string, file: string | undefined): Promise<ToolReport> {
  if (file === undefined || !(await isExecutable(file))) return { name, wanted, found: undefined, notes: [] };
  const origin = await provenance(file);
  return {
    name,
    wanted,
    found: { file, version: origin?.version ?? wanted, way: origin?.way ?? "pulumi-home" },
    notes: [],
  };
}

import { readFile } from "node:fs/promises";
import { arch, availableParallelism, cpus, loadavg, release, totalmem } from "node:os";
import { connect } from "../drivers/drivers.js";
import { versions } from "../engine/versions.js";
import { accelerator } from "../hosts/accelerator.js";
import { LOCAL } from "../model/endpoint.js";
import { formatSize } from "../model/units.js";
import { firstLine } from "./run.js";

/** The machine on which the bench ran, as pairs of `[what, value]`. */
export async function machineFacts(): Promise<[string, string][]> {
  const verdict = await accelerator(connect(LOCAL.libvirt));
  const version = async (file: string, ...args: string[]): Promise<string> =>
    (await firstLine(file, ...args)) ?? "not here";
  const [qemu, libvirt, docker, terraform, vagrant, commit] = await Promise.all([
    version("qemu-system-x86_64", "--version"),
    version("libvirtd", "--version"),
    version("docker", "version", "--format", "{{.Server.Version}}"),
    version("terraform", "version"),
    version("vagrant", "--version"),
    version("git", "describe", "--always", "--dirty"),
  ]);
  return [
    ["CPU", `${cpus()[0]?.model ?? "?"}, ${availableParallelism()} cores, ${arch()}`],
    ["memory", formatSize(totalmem())],
    ["kernel", `${release()}${(await isVirtual()) ? ", itself a virtual machine" : ""}`],
    ["guests run by", `${verdict.use.toUpperCase()}: ${verdict.why.split("\n")[0]}`],
    ["QEMU, libvirt", `${qemu.replace("QEMU emulator version ", "")}; ${libvirt}`],
    ["Docker", docker],
    ["trilab", `${commit}, node ${process.versions.node}, pulumi ${versions.pulumi}`],
    ["terraform", `${terraform}, libvirt provider ${versions.libvirt} (the same binary as trilab's)`],
    ["vagrant", vagrant],
  ];
}

async function isVirtual(): Promise<boolean> {
  return /^flags\s*:.*\bhypervisor\b/m.test(await readFile("/proc/cpuinfo", "utf8").catch(() => ""));
}

/** The host's load over the last minute. */
export const load = (): number => loadavg()[0] ?? Number.NaN;

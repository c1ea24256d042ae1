import { execa } from "execa";
import { dockerClient } from "../drivers/docker/client.js";
import type { Sources } from "../drivers/inventory.js";
import { libvirtUri, networkNames, virshIfThere } from "../drivers/libvirt/virsh.js";

/** The IPv4 blocks in use on the host: its routes, Docker's networks, and a remote libvirt's. */
export async function subnetsInUse(sources: Sources): Promise<string[]> {
  const [routes, docker, libvirt] = await Promise.all([
    localRoutes(),
    sources.docker ? dockerSubnets() : [],
    // A local libvirt's networks show as routes; a remote one's have to be asked for.
    sources.libvirt && libvirtUri().includes("+") ? libvirtSubnets() : [],
  ]);
  return [...routes, ...docker, ...libvirt];
}

async function localRoutes(): Promise<string[]> {
  const result = await execa("ip", ["-json", "-4", "route", "show"], { reject: false });
  if (result.exitCode !== 0) return [];
  return (JSON.parse(result.stdout || "[]") as { dst: string }[])
    .map((r) => r.dst)
    .filter((dst) => dst !== "default");
}

async function dockerSubnets(): Promise<string[]> {
  const networks = await dockerClient().listNetworks();
  return networks
    .flatMap((n) => (n.IPAM?.Config ?? []).map((c) => c.Subnet ?? ""))
    .filter((s) => s.includes("."));
}

async function libvirtSubnets(): Promise<string[]> {
  const names = await networkNames();
  const xml = await Promise.all(names.map((name) => virshIfThere("net-dumpxml", name)));
  return xml.flatMap((text) => {
    const address = /<ip address='([\d.]+)' (?:netmask='([\d.]+)'|prefix='(\d+)')/.exec(text ?? "");
    if (!address?.[1]) return [];
    const bits =
      address[3] ??
      String(
        (address[2] ?? "")
          .split(".")
          .reduce((n, part) => n + (Number(part).toString(2).match(/1/g)?.length ?? 0), 0),
      );
    return [`${address[1]}/${bits}`];
  });
}

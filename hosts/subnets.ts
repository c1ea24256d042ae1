import { execa } from "execa";
import type { Drivers } from "../drivers/drivers.js";

/** The IPv4 blocks in use: this machine's routes, and the daemons' networks. */
export async function subnetsInUse({ docker, libvirt }: Drivers): Promise<string[]> {
  const blocks = await Promise.all([
    localRoutes(),
    docker?.subnets() ?? [],
    // The networks of a local libvirt appear as routes.
    libvirt && !libvirt.isLocal ? libvirt.subnets() : [],
  ]);
  return blocks.flat();
}

async function localRoutes(): Promise<string[]> {
  const result = await execa("ip", ["-json", "-4", "route", "show"], { reject: false });
  if (result.exitCode !== 0) return [];
  return (JSON.parse(result.stdout || "[]") as { dst: string }[])
    .map((r) => r.dst)
    .filter((dst) => dst !== "default");
}

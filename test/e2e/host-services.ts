import { networkInterfaces } from "node:os";
import { execa } from "execa";
import { afterAll, beforeAll } from "vitest";
import { greet } from "../support/packets.js";
import { host, tryHost } from "./support.js";

const PORT = 7780;
/** As clouds give their metadata; not the one they use, which this machine may need. */
const METADATA = "169.254.77.77";

export interface HostServices {
  /** Where a machine with this address could look for services of its host. */
  addresses(machine: string): Record<string, string>;
  /** What this host's service says at an address, asked by `run` from where it runs, or nothing. */
  ask(address: string, run: (...command: string[]) => Promise<string>): Promise<string>;
  /** As {@link ask}, from this host itself. */
  askHere(address: string): Promise<string>;
}

/** A service on all addresses of this host, and a metadata address, for one test file; to be called at its top. */
export function openHostServices(): HostServices {
  let stop: () => Promise<unknown> = async () => {};
  beforeAll(async () => {
    // A run that was killed may have left it.
    await host("ip", "addr", "replace", `${METADATA}/32`, "dev", "lo");
    const service = execa("perl", ["-e", greet(PORT)], { stdin: "ignore", reject: false });
    stop = () => {
      service.kill("SIGKILL");
      return service;
    };
    await new Promise<void>((resolve, reject) => {
      service.stdout.once("data", () => resolve());
      void service.then((result) => reject(new Error(result.stderr)));
    });
  });
  afterAll(async () => {
    await stop();
    await tryHost("ip", "addr", "del", `${METADATA}/32`, "dev", "lo");
  });
  const ask: HostServices["ask"] = async (address, run) => {
    const connect = `timeout 3 bash -c 'head -n1 </dev/tcp/${address}/${PORT}'; echo asked`;
    const said = await run("sh", "-c", connect);
    // A machine that could not be entered has not asked anybody.
    if (!said.endsWith("asked")) throw new Error(`nothing asked ${address}: ${said}`);
    return said.slice(0, -"asked".length).trim();
  };
  return {
    addresses(machine) {
      const outside = Object.values(networkInterfaces())
        .flatMap((addresses) => addresses ?? [])
        .find((a) => a.family === "IPv4" && !a.internal && !a.address.startsWith("10.213."));
      return {
        gateway: machine.replace(/\d+$/, (last) => String(Number(last) - 1)),
        ...(outside ? { outside: outside.address } : {}),
        metadata: METADATA,
      };
    },
    ask,
    askHere: (address) =>
      ask(address, async (command, ...args) => (await tryHost(command ?? "", ...args)).all),
  };
}

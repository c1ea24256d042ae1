import { describe, expect, it } from "vitest";
import type { Found } from "../../drivers/found.js";
import type { Checkpoint } from "../../engine/checkpoint.js";
import { drift, refuseForeign, stranded } from "../../seats/reconcile.js";

const found = (kind: Found["kind"], name: string, state = "", owner?: string): Found => ({
  kind,
  name,
  id: name,
  state,
  owner,
});
const resource = (type: string, name: string) => ({
  urn: `urn:${name}`,
  type,
  id: name,
  inputs: { name },
  outputs: {},
});
const state = (...resources: ReturnType<typeof resource>[]) =>
  ({ resources, pendingOperations: [], salt: undefined }) as unknown as Checkpoint;

describe("drift", () => {
  it("is none when state and reality agree", () => {
    const result = drift(state(resource("libvirt:index/domain:Domain", "g")), [
      found("domain", "g", "running"),
    ]);
    expect(result).toEqual({ orphans: [], missing: [], stopped: [], moved: [] });
  });

  it("tells a domain from a network of the same name", () => {
    const result = drift(state(resource("libvirt:index/network:Network", "g")), [
      found("domain", "g", "running"),
    ]);
    expect(result.orphans.map((o) => o.kind)).toEqual(["domain"]);
    expect(result.missing.map((m) => m.type)).toEqual(["libvirt:index/network:Network"]);
  });

  it("never takes the console log or a lease for something half made", () => {
    expect(drift(state(), [found("console log", "g.console.log"), found("lease", "x")]).orphans).toEqual([]);
  });

  it("never takes a snapshot for something half made", () => {
    const snapshots = [found("container snapshot", "c:before"), found("guest snapshot", "g.a.snapshot.json")];
    expect(drift(state(), snapshots).orphans).toEqual([]);
  });

  it("finds what is known but stopped", () => {
    const result = drift(state(resource("docker:index/container:Container", "c")), [
      found("container", "c", "exited"),
    ]);
    expect(result.stopped.map((s) => s.name)).toEqual(["c"]);
  });

  it("knows a seed by its resource", () => {
    const result = drift(state(resource("libvirt:index/volume:Volume", "v.seed.iso")), [
      found("cloud-init seed", "v.seed.iso"),
    ]);
    expect(result).toEqual({ orphans: [], missing: [], stopped: [], moved: [] });
  });

  it("finds a rented machine that runs at another address than the state says", () => {
    const machine = { ...resource("aws:ec2/instance:Instance", "i-1"), outputs: { publicIp: "203.0.113.9" } };
    const at = (address?: string) =>
      drift(state(machine), [{ ...found("instance", "i-1", "running"), ...(address ? { address } : {}) }])
        .moved;
    expect(at("203.0.113.9")).toEqual([]);
    expect(at("203.0.113.10").map((m) => m.id)).toEqual(["i-1"]);
    // AWS has not given it one yet.
    expect(at()).toEqual([]);
  });

  it("with no state calls everything an orphan", () => {
    expect(drift(undefined, [found("guest disk", "d")]).orphans).toHaveLength(1);
  });
});

describe("a machine that has lost a part", () => {
  const machines = [
    found("domain", "l-s-guest", "running"),
    found("domain", "l-s-vps", "running"),
    found("container", "l-s-container", "running"),
    found("container volume", "l-s-container-home"),
  ];
  it.each([
    ["libvirt:index/network:Network", "l-s-vps", "l-s-vps"],
    ["libvirt:index/volume:Volume", "l-s-vps.qcow2", "l-s-vps"],
    ["libvirt:index/volume:Volume", "l-s-vps.seed.iso", "l-s-vps"],
  ])("is made again, and the others are left alone: %s %s", (type, name, machine) => {
    expect(stranded([resource(type, name)], machines).map((m) => m.name)).toEqual([machine]);
  });

  it("is none of another kind, whatever the names", () => {
    expect(stranded([resource("docker:index/network:Network", "l-s-vps")], machines)).toEqual([]);
    expect(stranded([resource("libvirt:index/network:Network", "l-s-container")], machines)).toEqual([]);
    // A container is put on its new network as it is.
    expect(stranded([resource("docker:index/network:Network", "l-s-container")], machines)).toEqual([]);
    expect(stranded([resource("docker:index/volume:Volume", "l-s-container")], machines)).toEqual([]);
  });
});

describe("somebody else's machines", () => {
  const me = { owner: "me@here", lab: "l", seat: "s", created: "", expires: "never" };
  it("are refused by their label", () => {
    expect(() => refuseForeign(me, [found("container", "c", "running", "you@here")])).toThrow(
      /belongs to you@here/,
    );
  });
  it("are refused by another seat's label, though the owner is ours", () => {
    const theirs = { ...found("container", "c", "running", "me@here"), ofSeat: { lab: "l-s", seat: "t" } };
    expect(() => refuseForeign(me, [theirs])).toThrow(/belongs to seat "t" of lab "l-s" of me@here/);
  });
  it("ours and the unlabelled are not", () => {
    expect(() =>
      refuseForeign(me, [found("container", "c", "running", "me@here"), found("guest network", "n")]),
    ).not.toThrow();
  });
});

import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { pack } from "tar-stream";
import { describe, expect, it } from "vitest";
import { groupSeats, later } from "../../drivers/all-seats.js";
import { firstFileOf } from "../../drivers/docker/file.js";
import type { Found, Labelled } from "../../drivers/found.js";
import { parseMetadata } from "../../drivers/libvirt/domain-labels.js";
import { namedAsBefore } from "../../model/naming.js";

const found = (kind: Found["kind"], name: string): Found => ({
  kind,
  name,
  id: name,
  state: "",
  owner: undefined,
});
const labelled = (
  kind: Found["kind"],
  name: string,
  lab: string,
  seat: string,
  expires: string,
): Labelled => ({
  labels: {
    "trilab.lab": lab,
    "trilab.seat": seat,
    "trilab.owner": "me@here",
    "trilab.expires": expires,
  },
  found: found(kind, name),
});

describe("groupSeats", () => {
  it("gives each seat its machines by label and the rest by name", () => {
    const { seats, orphans } = groupSeats(
      [
        labelled("container", "trilab-l-a-container", "l", "a", "2026-01-01T12:00:00.000Z"),
        labelled("domain", "trilab-l-a-guest", "l", "a", "2026-01-01T12:00:00.000Z"),
        labelled("domain", "trilab-l-a-b-guest", "l", "a-b", "never"),
      ],
      [
        found("guest network", "trilab-l-a-guest"),
        found("guest disk", "trilab-l-a-guest.qcow2"),
        found("console log", "trilab-l-a-b-guest.console.log.0"),
        found("guest disk", "trilab-l-a-b-guest-clone1.qcow2"),
        found("guest network", "default"),
      ],
      [],
    );
    expect(seats.map((s) => [s.seat, s.expires, s.things.map((t) => t.kind)])).toEqual([
      ["a", "2026-01-01T12:00:00.000Z", ["container", "domain", "guest network", "guest disk"]],
      ["a-b", "never", ["domain", "console log", "guest disk"]],
    ]);
    expect(orphans).toEqual([]);
  });

  it("keeps two seats apart to which an older trilab gave the same prefix: web/lab-1 and web-lab/1", () => {
    const { seats } = groupSeats(
      [
        labelled("container", "trilab-web-lab-1-container", "web", "lab-1", "never"),
        labelled("domain", "trilab-web-lab-1-guest", "web-lab", "1", "2026-01-01T12:00:00.000Z"),
      ],
      [
        found("guest disk", "trilab-web-lab-1-guest.qcow2"),
        found("guest disk", "trilab-web-lab-1-vps.qcow2"),
      ],
      [namedAsBefore({ lab: "web", seat: "lab-1" })],
    );
    expect(seats.map((s) => [s.lab, s.seat, s.expires, s.things.map((t) => t.name)])).toEqual([
      ["web", "lab-1", "never", ["trilab-web-lab-1-container", "trilab-web-lab-1-vps.qcow2"]],
      [
        "web-lab",
        "1",
        "2026-01-01T12:00:00.000Z",
        ["trilab-web-lab-1-guest", "trilab-web-lab-1-guest.qcow2"],
      ],
    ]);
  });

  it("finds the parts of a seat of an older trilab by its container's name, also if nobody here knows it", () => {
    const { orphans, seats } = groupSeats(
      [
        labelled("container", "trilab-web-lab-1-container", "web", "lab-1", "never"),
        labelled("container", "trilab-web-lab--2-container", "web", "lab-2", "never"),
      ],
      [
        found("guest disk", "trilab-web-lab-1-guest.qcow2"),
        found("guest disk", "trilab-web-lab--2-guest.qcow2"),
      ],
      [],
    );
    expect(orphans).toEqual([]);
    expect(seats.map((s) => s.things.map((t) => t.kind))).toEqual([
      ["container", "guest disk"],
      ["container", "guest disk"],
    ]);
  });

  it("lets a seat that this state directory knows have what carries no label", () => {
    const disk = found("guest disk", "trilab-l-a-guest.qcow2");
    expect(groupSeats([], [disk], [{ lab: "l", seat: "a" }])).toEqual({
      seats: [{ lab: "l", seat: "a", owner: undefined, expires: undefined, things: [disk] }],
      orphans: [],
    });
    expect(groupSeats([], [disk], []).orphans).toEqual([disk]);
  });

  it("takes nothing for an orphan that a machine of somebody else's may use", () => {
    const stranger: Labelled = { labels: {}, found: found("domain", "trilab-l-a-guest") };
    const named = [found("guest disk", "trilab-l-a-guest.qcow2"), found("guest disk", "backup.qcow2")];
    expect(groupSeats([stranger], named, [])).toEqual({ seats: [], orphans: [] });
  });
});

describe("later", () => {
  it("is the later of two, and of one that can't be read the other", () => {
    expect(later("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z")).toBe("2026-01-02T00:00:00Z");
    expect(later("never", "2026-01-02T00:00:00Z")).toBe("never");
    expect(later("soon", "2026-01-02T00:00:00Z")).toBe("2026-01-02T00:00:00Z");
    expect(later("2026-01-02T00:00:00Z", undefined)).toBe("2026-01-02T00:00:00Z");
    expect(later(undefined, "soon")).toBe(undefined);
  });
});

describe("parseMetadata", () => {
  it("tells the answers of many domains apart, with and without the prefix", () => {
    const text = `[trilab-l-a-guest]<seat>
  <label key="trilab.lab">l</label>
  <label key="trilab.expires">never</label>
</seat>
[trilab-strange][trilab-l-b-guest]<trilab:seat xmlns:trilab="urn:trilab:seat:1"><trilab:label key='trilab.seat'>b</trilab:label></trilab:seat>
`;
    expect([...parseMetadata(text)]).toEqual([
      ["trilab-l-a-guest", { "trilab.lab": "l", "trilab.expires": "never" }],
      ["trilab-strange", {}],
      ["trilab-l-b-guest", { "trilab.seat": "b" }],
    ]);
  });
});

describe("a file in a container's archive", () => {
  /** A long name has a header of its own before the file's. */
  const tarOf = (...files: [string, string][]): Readable => {
    const tar = pack();
    for (const [name, content] of files) tar.entry({ name }, content);
    tar.finalize();
    return tar;
  };

  it("is read from the tar that Docker sends", async () => {
    expect(await firstFileOf(tarOf(["expires", "never\n"], ["other", "no"]))).toBe("never\n");
    expect(await firstFileOf(tarOf(["n".repeat(150), "long\n"]))).toBe("long\n");
    expect(await firstFileOf(tarOf(["expires", ""]))).toBe("");
    expect(await firstFileOf(tarOf())).toBe("");
  });

  it("is not taken for whole when it was cut short", async () => {
    const whole = await buffer(tarOf(["expires", "x".repeat(2000)]));
    await expect(firstFileOf(Readable.from([whole.subarray(0, 2600)]))).rejects.toThrow("end of data");
  });
});

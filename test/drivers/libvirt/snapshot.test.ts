import { describe, expect, it } from "vitest";
import type { Connection } from "../../../drivers/libvirt/connection.js";
import {
  domainSnapshots,
  hardware,
  removeSnapshot,
  saveDomain,
  startRestored,
  undoSave,
} from "../../../drivers/libvirt/snapshot.js";
import { VirshError } from "../../../drivers/libvirt/virsh.js";
import { parseXml } from "../../../drivers/libvirt/xml.js";

const guest = "trilab-l-s-guest";
const saved = { domain: guest, disk: `${guest}.qcow2` };
const part = (kind: string): string => `${guest}.before.snapshot.${kind}`;
const all = ["qcow2", "memory", "json"].map(part);
const xml = (memory: number, uuid = "u"): string =>
  `<domain><uuid>${uuid}</uuid><memory>${memory}</memory><currentMemory>${memory}</currentMemory><vcpu>1</vcpu>
  <os><cmdline>quiet</cmdline></os><sysinfo type="smbios"><oemStrings><entry>trilab:a=b</entry></oemStrings></sysinfo></domain>`;

interface Fake {
  state?: string;
  volumes?: string[];
  /** Commands that libvirt refuses. */
  refuses?: string[];
  /** The definition in the saved memory, and the domain's. */
  memory?: string;
  now?: string;
  /** How often libvirt says that a job is running. */
  busy?: number;
  /** Why libvirt refuses to say so. */
  jobError?: Error;
}

/** A libvirt daemon with one domain and a pool; notes what changes something. */
function libvirt({
  busy = 0,
  jobError,
  memory = xml(1),
  now = xml(1),
  refuses = [],
  state = "shut off",
  volumes = [],
}: Fake) {
  const calls: string[] = [];
  let pool = [`${guest}.qcow2`, ...volumes];
  const virsh = async (...args: string[]): Promise<string> => {
    const [command = "", subject = ""] = args;
    const line = args.join(" ").replaceAll(/(\/\S+)\/([^/\s]+)/g, "$2");
    if (/^(save|restore|start|vol-(delete|download|upload|create)|managedsave-remove)$/.test(command))
      calls.push(line.replaceAll(guest, "G").replace(/ --pool.*| --force-boot/g, ""));
    if (refuses.includes(command)) throw new VirshError(args, `error: ${command} says no`);
    if (command === "vol-delete") pool = pool.filter((name) => name !== subject);
    if (command === "save-image-dumpxml") return memory;
    if (command === "domjobinfo" && jobError) throw jobError;
    if (command === "domjobinfo") return `Job type:         ${busy-- > 0 ? "Unbounded" : "None"}\n`;
    if (command === "vol-dumpxml")
      return `<volume><allocation>${subject.endsWith("json") ? 4 : 100}</allocation><target><timestamps><mtime>12.5</mtime></timestamps></target></volume>`;
    return "";
  };
  const connection = {
    uri: "qemu:///system",
    virsh,
    virshIfThere: virsh,
    virshWithin: (_: number, ...args: string[]) => virsh(...args),
    domainState: async () => state,
    domain: async () => parseXml(now),
    refreshPool: async () => {},
    removeVolume: (name: string) => virsh("vol-delete", name),
    volumeNames: async () => pool,
  };
  return { calls, connection: connection as unknown as Connection, pool: () => pool };
}

describe("saving a domain", () => {
  const save = async (fake: Fake): Promise<string[]> => {
    const { calls, connection } = libvirt(fake);
    await saveDomain(
      connection,
      saved,
      "before",
      async (_, from, to) => void calls.push(`copy ${from} ${to}`.replaceAll(guest, "G")),
    );
    return calls;
  };
  const copied = "copy G.qcow2 G.before.snapshot.qcow2";
  const manifest = ["vol-delete G.before.snapshot.json", "vol-create trilab volume.xml"];

  it("copies its disk while its memory is saved, lets it go on from that, and writes the manifest last", async () => {
    const memory = "G.before.snapshot.memory";
    expect((await save({ state: "running" })).slice(0, 5)).toEqual([
      `save G ${memory}`,
      copied,
      `restore ${memory}`,
      ...manifest,
    ]);
  });

  it("saves no memory of one that is off, and does not start it", async () => {
    expect((await save({ state: "shut off" })).slice(0, 3)).toEqual([copied, ...manifest]);
  });
});

describe("a saving that was interrupted", () => {
  it("is waited for, and the domain goes on from its memory; nothing is left of the snapshot", async () => {
    const { calls, connection, pool } = libvirt({ volumes: all.slice(0, 2), busy: 2 });
    expect(await undoSave(connection, guest, "before")).toBeUndefined();
    expect(calls[0]).toBe("restore G.before.snapshot.memory");
    expect(pool()).toEqual([`${guest}.qcow2`]);
  });

  const cause = (text: string): Error => new VirshError(["domjobinfo", guest], `error: ${text}`);
  const held = cause("Timed out during operation: cannot acquire state change lock (held by monitor=remote)");

  it.each<[string, Fake]>([
    ["works on it", { busy: Number.POSITIVE_INFINITY }],
    ["can't say", { jobError: held }],
    ["does not answer", { jobError: new Error("no answer") }],
    ["refuses", { jobError: cause("access denied") }],
  ])("is not undone while libvirt %s: the memory may still be written", async (_, fake) => {
    const { calls, connection } = libvirt({ volumes: all, ...fake });
    await expect(undoSave(connection, guest, "before", 100)).rejects.toThrow();
    expect(calls).toEqual([]);
  });

  it("is undone when the domain is off, and so has no job", async () => {
    const jobError = cause("Requested operation is not valid: domain is not running");
    const { calls, connection } = libvirt({ volumes: all, jobError });
    await undoSave(connection, guest, "before");
    expect(calls[0]).toBe("restore G.before.snapshot.memory");
  });

  it("leaves one that runs as it is", async () => {
    const { calls, connection } = libvirt({ state: "running", volumes: [part("memory")] });
    expect(await undoSave(connection, guest, "before")).toBeUndefined();
    expect(calls).toEqual(["vol-delete G.before.snapshot.memory"]);
  });

  it("starts a domain whose memory can't be used, and says so", async () => {
    const { calls, connection } = libvirt({ volumes: [part("memory")], refuses: ["restore"] });
    expect(await undoSave(connection, guest, "before")).toMatch(/memory can't be used: .*restore says no/);
    expect(calls.slice(0, 2)).toEqual(["restore G.before.snapshot.memory", "start G"]);
  });

  it("starts none that was off and whose memory was not saved", async () => {
    const { calls, connection } = libvirt({ volumes: [part("qcow2")], refuses: ["save-image-dumpxml"] });
    expect(await undoSave(connection, guest, "before")).toBeUndefined();
    expect(calls).toEqual(["vol-delete G.before.snapshot.qcow2"]);
  });
});

describe("the memory of a snapshot", () => {
  const restore = async (fake: Fake) => {
    const { calls, connection } = libvirt({ volumes: all, ...fake });
    const problem = await startRestored(connection, guest, "before");
    return { calls, problem };
  };

  it("is used where it fits", async () => {
    expect(await restore({})).toEqual({
      calls: ["restore G.before.snapshot.memory"],
      problem: undefined,
    });
  });

  it.each([
    ["the size has changed", { now: xml(2) }, /definition .* has changed/],
    ["it can't be read", { refuses: ["save-image-dumpxml"] }, /can't be read/],
    ["it is another domain's", { memory: xml(1, "v") }, /has changed/],
  ])("is not used where %s: the domain starts from the disk", async (_, fake, why) => {
    const { calls, problem } = await restore(fake);
    expect(problem).toMatch(why);
    expect(calls).toEqual(["start G"]);
  });

  it("that libvirt refuses is told of, and the domain starts from the disk", async () => {
    const { calls, problem } = await restore({ refuses: ["restore"] });
    expect(problem).toMatch(/restore says no/);
    expect(calls.at(-1)).toBe("start G");
  });

  it("is not missed where none was saved", async () => {
    expect(await restore({ volumes: all.filter((volume) => volume !== part("memory")) })).toEqual({
      calls: ["start G"],
      problem: undefined,
    });
  });

  it("relies on size, kernel and identity", () => {
    expect(hardware(parseXml(xml(1)))).toEqual(hardware(parseXml(xml(1))));
    expect(hardware(parseXml(xml(1)))).not.toEqual(hardware(parseXml(xml(1).replace("=b", "=c"))));
    expect(hardware(parseXml(xml(1)))).not.toEqual(hardware(parseXml(xml(1).replace("quiet", "quiet x"))));
    // A guest that was resized: while it runs, its current memory includes what its memory device gives.
    const grown = (current: number, target: string): unknown =>
      hardware(
        parseXml(
          `<domain><memory>1048576</memory><currentMemory>${current}</currentMemory><devices><memory><target><size>524288</size>${target}</target></memory></devices></domain>`,
        ),
      );
    const saved = grown(786432, "<requested>262144</requested><current>262144</current>");
    expect(saved).toEqual(grown(524288, "<requested>262144</requested>"));
    expect(saved).not.toEqual(grown(524288, "<requested>0</requested>"));
  });
});

describe("the snapshots of a domain", () => {
  it("are those with a manifest, with what they take of the disk", async () => {
    const { connection } = libvirt({
      volumes: [...all, `${guest}.half.snapshot.qcow2`, "trilab-l-t-guest.x.snapshot.json"],
    });
    expect(await domainSnapshots(connection, guest, "guest")).toEqual([
      { name: "before", target: "guest", at: "1970-01-01T00:00:12.500Z", bytes: 204, memory: true },
    ]);
  });

  it("lose their manifest first when they are removed", async () => {
    const { calls, connection, pool } = libvirt({ volumes: all });
    await removeSnapshot(connection, guest, "before");
    expect(calls[0]).toBe("vol-delete G.before.snapshot.json");
    expect(pool()).toEqual([`${guest}.qcow2`]);
  });
});

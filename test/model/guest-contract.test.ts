import { describe, expect, it } from "vitest";
import {
  commandLineText,
  commandLineWords,
  type GuestIdentity,
  kernelCommandLine,
  oemStrings,
  rentedCommandLine,
} from "../../images/index.js";
import { rawGuestXml } from "../support/raw-guest.js";

const hostKey = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\nBBBB\n-----END OPENSSH PRIVATE KEY-----\n";
const identity: GuestIdentity = {
  hostname: "trilab-a-b-guest",
  address: "10.1.2.3/28",
  gateway: "10.1.2.1",
  userKeys: ["ssh-ed25519 AAAAC3Nza one", "ssh-ed25519 AAAAC3Nzb two"],
  hostKey,
};

describe("oemStrings", () => {
  it("writes one string a value, keys repeated, absent ones left out", () => {
    expect(oemStrings(identity)).toEqual([
      "trilab:hostname=trilab-a-b-guest",
      "trilab:address=10.1.2.3/28",
      "trilab:gateway=10.1.2.1",
      "trilab:user-key=ssh-ed25519 AAAAC3Nza one",
      "trilab:user-key=ssh-ed25519 AAAAC3Nzb two",
      `trilab:host-key=${Buffer.from(hostKey).toString("base64")}`,
    ]);
  });

  it("joins resolvers and encodes the message of the day", () => {
    const strings = oemStrings({ ...identity, dns: ["10.1.2.1", "9.9.9.9"], motd: "Grüß Gott\n" });
    expect(strings).toContain("trilab:dns=10.1.2.1,9.9.9.9");
    expect(strings.at(-1)).toBe(`trilab:motd=${Buffer.from("Grüß Gott\n").toString("base64")}`);
  });

  it("holds no host key for a machine that gets it by a file", () => {
    const { hostKey: _, ...rest } = identity;
    expect(oemStrings(rest).join("\n")).not.toContain("host-key");
  });

  it("says when the machine ends itself, if it is told", () => {
    expect(oemStrings({ ...identity, expires: "1767236400" })).toContain("trilab:expires=1767236400");
    expect(oemStrings({ ...identity, expires: "never" })).toContain("trilab:expires=never");
  });

  const wrong: Array<[string, Partial<GuestIdentity>]> = [
    ["hostname", { hostname: "Upper" }],
    ["hostname", { hostname: "a".repeat(64) }],
    ["address", { address: "10.1.2.3" }],
    ["address", { address: "10.1.2.300/28" }],
    ["address", { address: "10.1.2.3/33" }],
    ["gateway", { gateway: "10.1.2.1; reboot" }],
    ["dns.0", { dns: ["resolver"] }],
    ["userKeys", { userKeys: [] }],
    ["userKeys.0", { userKeys: ["ssh-ed25519 AAAA\ntrilab:hostname=evil"] }],
    ["hostKey", { hostKey: "AAAA" }],
    ["expires", { expires: "soon" }],
    ["expires", { expires: "-1" }],
    ["motd", { motd: "x".repeat(2049) }],
  ];
  it.each(wrong)("refuses a wrong %s", (path, change) => {
    expect(() => oemStrings({ ...identity, ...change })).toThrow(new RegExp(`${path}: `));
  });

  it("never shows the host key in an error", () => {
    const secret = "c2VjcmV0LWtleQ";
    expect(() => oemStrings({ ...identity, hostKey: `-----BEGIN\n${secret}` })).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining(secret) }),
    );
  });
});

describe("kernelCommandLine", () => {
  it("keeps the distribution's security as it is", () => {
    for (const accelerator of ["kvm", "tcg"] as const)
      expect(commandLineText(accelerator)).not.toMatch(/mitigations|apparmor|audit|nokaslr/);
  });

  it("has pairs and flags that survive the provider's way of writing them", () => {
    const { flags, pairs } = kernelCommandLine("tcg");
    for (const [key, value] of Object.entries(pairs)) expect(`${key}${value}`).not.toMatch(/\s|^$/);
    expect(flags).toContain("rw");
  });

  it("distrusts TSC and timer where they are emulated, and only there", () => {
    for (const line of [kernelCommandLine, rentedCommandLine]) {
      expect(commandLineWords(line("tcg"))).toEqual(
        expect.arrayContaining(["tsc=unstable", "no_timer_check"]),
      );
      expect(commandLineWords(line("kvm")).join(" ")).not.toMatch(/tsc|timer/);
    }
  });

  it("restarts a kernel that panics, guest and VPS alike", () => {
    expect(kernelCommandLine("kvm").pairs.panic).toBe("10");
    expect(rentedCommandLine("kvm").pairs).toMatchObject({ panic: "10", "network-config": "disabled" });
    expect(rentedCommandLine("kvm").pairs).not.toHaveProperty("systemd.unit");
  });
});

describe("rawGuestXml", () => {
  it("escapes what it is given", () => {
    const xml = rawGuestXml({
      name: "a&b",
      uuid: "00000000-0000-4000-8000-000000000000",
      kernel: "/k",
      initrd: "/i",
      disk: "/d'",
      network: "n",
      mac: "52:54:00:00:00:01",
      identity,
    });
    expect(xml).toContain("<name>a&amp;b</name>");
    expect(xml).toContain("file='/d&apos;'");
    expect(xml).toContain("<tb-cache unit='MiB'>128</tb-cache>");
  });
});

import { describe, expect, it } from "vitest";
import { fetchOptionsIn, sourcesFor } from "../../images/apt-config.js";
import { mountsBelow } from "../../images/cache.js";
import { cpio } from "../../images/initrd.js";
import { bzImagePayload, moduleLoadOrder } from "../../images/kernel.js";
import { unpackLegacyLz4 } from "../../images/lz4.js";
import { installedPackages } from "../../images/manifest.js";
import { MmdebstrapProgress } from "../../images/mmdebstrap-progress.js";

describe("sourcesFor", () => {
  const lines = [
    "http://mirror.example/debian/|bookworm|oldstable|main|Debian",
    "http://mirror.example/debian/|bookworm|oldstable|contrib|Debian",
    "http://mirror.example/debian-security/|bookworm-security|oldstable-security|main|Debian",
    "https://other.example/|bookworm|bookworm|stable|Docker",
    "https://deb.nodesource.com/node_20.x/|nodistro|nodistro|main|. nodistro",
  ];
  it("takes the host's Debian sources of the release", () => {
    expect(sourcesFor("bookworm", lines)).toEqual([
      "deb http://mirror.example/debian/ bookworm contrib main",
      "deb http://mirror.example/debian-security/ bookworm-security main",
    ]);
  });
  it("leaves it to mmdebstrap when the host has another release", () =>
    expect(sourcesFor("trixie", lines)).toEqual([]));
});

describe("fetchOptionsIn", () => {
  it("takes proxies and TLS, nothing else", () => {
    expect(
      fetchOptionsIn([
        'Acquire::http::Proxy "http://127.0.0.1:3142";',
        'Acquire::https::Proxy::internal.example "DIRECT";',
        'Acquire::https::CaInfo "/etc/ssl/x.pem";',
        'Acquire::Retries "3";',
        'Acquire::cdrom::mount "/media/cdrom/";',
        'Acquire::http "";',
      ]),
    ).toHaveLength(4);
  });
});

describe("mountsBelow", () => {
  it("finds what is mounted strictly below, deepest first, with spaces", () => {
    const info = ["/a", "/a/b", "/a/b/c\\040d", "/ab/c"]
      .map((path) => `1 2 0:3 / ${path} rw - proc proc rw`)
      .join("\n");
    expect(mountsBelow("/a", info)).toEqual(["/a/b/c d", "/a/b"]);
  });
});

describe("bzImagePayload", () => {
  it("refuses what is no kernel", () => expect(() => bzImagePayload(Buffer.alloc(4096))).toThrow(/HdrS/));
});

describe("unpackLegacyLz4", () => {
  const frame = (...block: number[]): Buffer => {
    const header = Buffer.alloc(8);
    header.writeUInt32LE(0x184c2102, 0);
    header.writeUInt32LE(block.length, 4);
    return Buffer.concat([header, Buffer.from(block)]);
  };
  it("copies literals and overlapping matches", () => {
    // "ab", then 8 bytes from 2 back, then the literal "!".
    const data = frame(0x24, 0x61, 0x62, 0x02, 0x00, 0x10, 0x21);
    expect(unpackLegacyLz4(data, 11).toString()).toBe("ababababab!");
  });
  it("refuses damage", () => {
    expect(() => unpackLegacyLz4(frame(0x24, 0x61, 0x62, 0x09, 0x00), 10)).toThrow(/damaged/);
    expect(() => unpackLegacyLz4(frame(0x10, 0x21), 5)).toThrow(/1 bytes, not 5/);
    expect(() => unpackLegacyLz4(Buffer.from("nonsense"), 5)).toThrow(/legacy frame/);
  });
});

describe("moduleLoadOrder", () => {
  const dep =
    "kernel/virtio.ko: kernel/virtio_ring.ko\nkernel/virtio_ring.ko:\nkernel/virtio-rng.ko: kernel/virtio.ko kernel/virtio_ring.ko\n";
  it("puts dependencies first, once, and skips what is absent", () => {
    expect(moduleLoadOrder(dep, ["virtio_rng", "ext4", "virtio"])).toEqual([
      "kernel/virtio_ring.ko",
      "kernel/virtio.ko",
      "kernel/virtio-rng.ko",
    ]);
  });
});

describe("cpio", () => {
  it("writes newc, padded to four bytes, with a trailer, the same each time", () => {
    const entries = [{ path: "init", mode: 0o100755, content: Buffer.from("#!/bin/sh\n") }];
    const archive = cpio(entries);
    expect(archive.toString("latin1", 0, 6)).toBe("070701");
    expect(archive.length % 4).toBe(0);
    expect(archive.includes("TRAILER!!!")).toBe(true);
    expect(cpio(entries).equals(archive)).toBe(true);
  });
});

describe("installedPackages", () => {
  it("takes only what is installed, sorted", () => {
    const status = [
      "Package: zlib1g\nStatus: install ok installed\nVersion: 1:1.2",
      "Package: gone\nStatus: deinstall ok config-files\nVersion: 1",
      "Package: apt\nStatus: install ok installed\nVersion: 2.6\nDescription: x\n Version: no",
    ].join("\n\n");
    expect(installedPackages(status)).toEqual([
      { name: "apt", version: "2.6" },
      { name: "zlib1g", version: "1:1.2" },
    ]);
  });
});

describe("MmdebstrapProgress", () => {
  it("never goes back, and ends past 90 %", () => {
    const progress = new MmdebstrapProgress();
    const log = [
      "I: running apt-get update...",
      "I: downloading packages with apt...",
      "0 upgraded, 2 newly installed, 0 to remove and 0 not upgraded.",
      "I: extracting archives...",
      "I: installing essential packages...",
      "Unpacking a (1) ...",
      "Setting up a (1) ...",
      "I: installing remaining packages inside the chroot...",
      "0 upgraded, 1 newly installed, 0 to remove and 0 not upgraded.",
      "Unpacking b (1) ...",
      "Setting up b (1) ...",
      "I: creating tarball...",
    ];
    const shown = log.map((line) => progress.feed(line)).filter((text) => text !== undefined);
    const percents = shown.map((text) => Number(/\((\d+) %\)/.exec(text)?.[1]));
    expect(percents).toEqual([...percents].sort((a, b) => a - b));
    expect(percents.at(-1)).toBeGreaterThanOrEqual(90);
    expect(progress.feed("anything else")).toBeUndefined();
  });
});

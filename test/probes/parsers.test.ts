import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { repoDir } from "../../base/paths.js";
import {
  cgroupMemory,
  cgroupPath,
  isInContainer,
  parseCpuSeconds,
  parseProcess,
  processMemory,
} from "../../drivers/host-cost.js";
import { cloneAddress, cloneXml } from "../../drivers/libvirt/clone-xml.js";
import { parseSysbenchCpu } from "../../probes/cpu.js";
import { howManyFit } from "../../probes/density.js";
import { parseFio } from "../../probes/disk-io.js";
import { longestGap } from "../../probes/downtime.js";
import { parseForks } from "../../probes/fork-exec.js";
import { parseStrace } from "../../probes/host-calls.js";
import { parseStat } from "../../probes/host-load.js";
import { parseIsolation } from "../../probes/isolation.js";
import { parseSysbenchMemory } from "../../probes/memory-bandwidth.js";
import { stoppedBy } from "../../probes/neighbour-duel.js";
import { parsePerfBench } from "../../probes/perf-bench.js";
import { ProbeProblem } from "../../probes/probe.js";
import { parseBoot } from "../../probes/start.js";

/** What the tools really printed, in a container and in an emulated guest of one image. */
const captured = (name: string): string => readFileSync(join(repoDir, "test/probes/captured", name), "utf8");

describe("in the target", () => {
  it.each([
    ["cpu.container.txt", parseSysbenchCpu, /events per second:\s+([\d.]+)/],
    ["cpu.guest.txt", parseSysbenchCpu, /events per second:\s+([\d.]+)/],
    ["memory-bandwidth.container.txt", parseSysbenchMemory, /\(([\d.]+) MiB\/sec/],
    ["memory-bandwidth.guest.txt", parseSysbenchMemory, /\(([\d.]+) MiB\/sec/],
    ["syscall.container.txt", parsePerfBench, /([\d.]+) usecs/],
    ["syscall.guest.txt", parsePerfBench, /([\d.]+) usecs/],
    ["context-switch.container.txt", parsePerfBench, /([\d.]+) usecs/],
    ["context-switch.guest.txt", parsePerfBench, /([\d.]+) usecs/],
  ] as const)("%s", (file, parse, pattern) => {
    const text = captured(file);
    expect(parse(text)).toBe(Number(pattern.exec(text)?.[1]));
    expect(parse(text)).toBeGreaterThan(0);
  });

  it("fork and exec, as microseconds a process", () => {
    expect(parseForks("60 processes 1.191977 s\n")).toBeCloseTo(19_866.28, 1);
    expect(parseForks(captured("fork-exec.container.txt"))).toBeLessThan(
      parseForks(captured("fork-exec.guest.txt")),
    );
  });

  it.each(["container", "guest"])("fio in the %s: one figure a job, reads from reads", (target) => {
    const text = captured(`disk-io.${target}.txt`);
    const figures = parseFio(text);
    expect(Object.keys(figures)).toEqual(["read-qd1", "write-qd1", "read-qd32", "write-qd32"]);
    const { jobs } = JSON.parse(text.slice(text.indexOf("{")));
    expect(figures["read-qd1"]).toBe(jobs[0].read.iops);
    expect(figures["write-qd32"]).toBe(jobs[3].write.iops);
    for (const iops of Object.values(figures)) expect(iops).toBeGreaterThan(100);
  });

  it("the guest's boot", () => {
    expect(parseBoot("UserspaceTimestampMonotonic=1803466\nActiveEnterTimestampMonotonic=3361011\n")).toEqual(
      {
        kernel: 1.803466,
        userspace: expect.closeTo(1.557545, 6),
      },
    );
    const real = parseBoot(captured("start.guest.txt"));
    expect(real.kernel).toBeGreaterThan(0.1);
    expect(real.userspace).toBeGreaterThan(0.1);
  });

  it("what root may", () => {
    const container = parseIsolation(captured("isolation.container.txt"));
    const guest = parseIsolation(captured("isolation.guest.txt"));
    const value = (of: typeof guest, title: string) => of.facts.find((f) => f.title === title)?.value;
    expect(guest.allowed).toBe(10);
    expect(container.allowed).toBeLessThan(4);
    expect(value(container, "system calls")).toBe("filtered");
    expect(value(guest, "system calls")).toBe("none");
    expect(value(container, "root's capabilities")).toBe("8 of 41");
    expect(value(guest, "root's capabilities")).toBe("41 of 41");
    expect(value(container, "mount a file system")).toBe("no");
    expect(value(container, "chroot")).toMatch(/yes|no/);
  });

  it.each([
    ["nothing", ""],
    ["half an output", "CPU speed:\n    events per"],
    ["another tool's", "{}"],
  ])("%s is unparsable, and kept verbatim", (_, text) => {
    for (const parse of [
      parseSysbenchCpu,
      parseSysbenchMemory,
      parsePerfBench,
      parseForks,
      parseFio,
      parseBoot,
    ]) {
      try {
        parse(text);
        expect.unreachable(parse.name);
      } catch (error) {
        expect(error).toBeInstanceOf(ProbeProblem);
        expect(error).toMatchObject({ status: "unparsable", output: text });
      }
    }
  });
});

describe("on the host", () => {
  it("memory and CPU time of QEMU", () => {
    const [own, shared] = [691_732 * 1024, (762_528 - 691_732) * 1024];
    expect(processMemory(captured("qemu.smaps_rollup.txt"))).toEqual({ own, shared });
    expect(parseCpuSeconds("12 (a) b) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0")).toBe(2);
    expect(parseCpuSeconds(captured("qemu.stat.txt"))).toBeGreaterThan(1);
    expect(() => processMemory("Rss: 12 kB")).toThrow(/no Rss or Anonymous/);
  });

  it("a process's own memory is the same alone and beside others that run its program", () => {
    const alone =
      "Rss: 13652 kB\nPss: 13652 kB\nPrivate_Clean: 10788 kB\nPrivate_Dirty: 2864 kB\nAnonymous: 2864 kB\n";
    const beside =
      "Rss: 13652 kB\nPss: 5276 kB\nShared_Clean: 10788 kB\nPrivate_Dirty: 2864 kB\nAnonymous: 2864 kB\n";
    expect(processMemory(alone)).toEqual({ own: 2864 * 1024, shared: 10_788 * 1024 });
    expect(processMemory(beside)).toEqual(processMemory(alone));
    expect(processMemory(`${alone}Pss_Shmem: 100 kB\n`).own).toBe(2964 * 1024);
  });

  it("a process's name and numbers, one for each PID namespace", () => {
    const status = "Name:\tlifetime\nUmask:\t0022\nPid:\t4711\nNSpid:\t4711\t1\n";
    expect(parseProcess(status)).toEqual({ name: "lifetime", numbers: [4711, 1] });
    expect(() => parseProcess("Name:\tlifetime\n")).toThrow(/no NSpid line/);
  });

  it("the memory cgroup, version 1 and 2", () => {
    expect(cgroupPath(captured("cgroup-v1.txt"), "memory")).toMatchObject({
      version: 1,
      path: expect.stringMatching(/^\/sys\/fs\/cgroup\/memory\/docker\/[0-9a-f]{64}$/),
    });
    expect(cgroupPath("0::/system.slice/docker-ab.scope\n", "memory")).toEqual({
      version: 2,
      path: "/sys/fs/cgroup/system.slice/docker-ab.scope",
    });
    expect(cgroupPath("3:cpu,cpuacct:/x\n", "memory")).toBeUndefined();
  });

  const id = "fd4a2059fa55560e77c16223d8b3815d0117cd23bf29d43954513cbde622a07f";
  it.each([
    ["cgroupfs, version 1", captured("cgroup-v1.txt"), true],
    ["cgroupfs, version 2", `0::/docker/${id}\n`, true],
    ["systemd", `0::/system.slice/docker-${id}.scope\n`, true],
    [
      "a daemon without root",
      `0::/user.slice/user-1000.slice/user@1000.service/user.slice/docker-${id}.scope\n`,
      true,
    ],
    ["Podman", `0::/machine.slice/libpod-${id}.scope/container\n`, true],
    ["a cgroup parent", `4:memory:/lab/${id}\n0::/\n`, true],
    ["a reader in a cgroup namespace beside it", `0::/../${id}\n`, true],
    ["another container", `0::/docker/${id.replace("f", "0")}\n`, false],
    ["a process of the machine", "4:memory:/\n0::/system.slice/ssh.service\n", false],
    ["a process that is gone", "", false],
  ])("whether a process is a container's: %s", (_, cgroups, expected) => {
    expect(isInContainer(cgroups, id)).toBe(expected);
    expect(isInContainer(cgroups, "")).toBe(false);
  });

  it("a cgroup's own memory leaves files out, but not shared memory: of the whole tree in version 1", () => {
    const stat = captured("memory.stat-v1.txt");
    const files = Number(/^total_cache (\d+)/m.exec(stat)?.[1]);
    expect(cgroupMemory("3948544", stat)).toEqual({ own: 3_948_544 - files, shared: files });
    expect(cgroupMemory("1000", "anon 5\nfile 200\nshmem 50\n")).toEqual({ own: 850, shared: 150 });
    expect(cgroupMemory("1000", "cache 100\nshmem 0\ntotal_cache 300\ntotal_shmem 10\n").own).toBe(710);
    expect(() => cgroupMemory("1000", "anon 5\n")).toThrow(/how much of it is files/);
  });

  it("load", () => {
    const stat = "cpu  10 0 20 60 5 0 0 5 0 0\ncpu0 1 0 0 9 0 0 0 0 0 0\ncpu1 2 0 0 7 1 0 0 0 0 0\n";
    expect(parseStat(stat)).toEqual({ total: 100, idle: 65 });
    expect(parseStat(stat, [1])).toEqual({ total: 10, idle: 8 });
    expect(parseStat(stat, [0, 1])).toEqual({ total: 20, idle: 17 });
    expect(parseStat(captured("proc-stat.txt")).total).toBeGreaterThan(0);
  });

  it("a clone shares no name, address, disk or log with what it is made from", () => {
    const xml = captured("domain.xml");
    const ids = {
      name: "c1",
      uuid: "12345678-0000-4000-8000-000000000000",
      address: "10.213.61.211",
      disk: "/pool/c1.qcow2",
      index: 1,
    };
    const clone = cloneXml(xml, ids);
    expect(clone).not.toContain("cmp1-guest.qcow2");
    expect(clone).not.toContain("console.log");
    expect(clone).not.toContain("trilab.owner");
    expect(clone).toContain("trilab:address=10.213.61.211/28");
    expect(clone).toContain("trilab:hostname=c1<");
    const mortal = xml.replace("<entry>trilab:gateway", "<entry>trilab:expires=1767236400</entry>$&");
    expect(cloneXml(mortal, ids)).toContain("<entry>trilab:expires=never</entry>");
    for (const own of [/<name>(.*)<\/name>/, /<uuid>(.*)<\/uuid>/, /<mac address=.(.*?).\/>/])
      expect(own.exec(clone)?.[1]).not.toBe(own.exec(xml)?.[1]);
    expect(cloneAddress("10.213.61.210", 3)).toBe("10.213.61.213");
  });
});

describe("conclusions", () => {
  it("how many fit is bounded by what runs out first", () => {
    const room = { memory: 1000, disk: 500, cpu: 2, networks: 50 };
    expect(howManyFit(room, { memory: 10, disk: 1, cpu: 0.5, networks: 1 })).toEqual({
      fit: 4,
      by: "cpu",
      each: { memory: 100, disk: 500, cpu: 4, networks: 50 },
    });
    expect(howManyFit(room, { memory: 100, disk: 0, cpu: 0, networks: 1 }).by).toBe("memory");
    expect(howManyFit(room, { memory: 10, disk: 0, cpu: 0, networks: 1 })).toMatchObject({
      fit: 50,
      by: "networks",
    });
  });

  it("what stopped a hog", () => {
    const of = (hog: "cpu" | "memory" | "forks", said: string, code: number | undefined, killed = false) =>
      stoppedBy(hog, { stdout: said, exitCode: code, killed }).value;
    expect(of("memory", "working\n448 MiB\n464 MiB\n", 137, true)).toBe(
      "killed by the kernel's OOM killer after 464 MiB",
    );
    expect(of("memory", "working\n", 255, true)).toContain("OOM killer after 60 % of its limit");
    expect(of("memory", "working\n640 MiB\n", 0)).toBe("went on to 640 MiB and was not stopped");
    // `timeout -k` ends it so, too.
    expect(of("memory", "working\n464 MiB\n", 137)).toContain("unknown reason (exit 137)");
    expect(of("cpu", "working\n4 loops\n", 0)).toMatch(/CPU limit/);
    expect(of("cpu", "", undefined)).toContain("unknown reason");
    expect(of("forks", "252 processes\n", 0)).toBe("got 252 processes, then no more were allowed");
    expect(of("forks", "400 processes\n", 0)).toBe("got all 400 processes it wanted");
  });
});

it("counts strace's calls by name, with and without errors", () => {
  const summary = `strace: Process 7 attached
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ------------------
 98.00    0.000400           0     20000           getpid
  2.00    0.000010           2         5         4 newfstatat
------ ----------- ----------- --------- --------- ------------------
100.00    0.000410           0     20005         4 total
`;
  expect(parseStrace(summary)).toEqual([
    { name: "getpid", calls: 20_000 },
    { name: "newfstatat", calls: 5 },
  ]);
  expect(() => parseStrace("strace: attach: Operation not permitted")).toThrow(/not be allowed/);
});

it("the longest time without an answer is between two neighbours in time, whatever their order", () => {
  expect(longestGap([0, 50, 4100, 100, 4150])).toBe(4000);
  expect([longestGap([]), longestGap([7])]).toEqual([0, 0]);
});

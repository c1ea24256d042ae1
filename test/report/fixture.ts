import { randomNumbers } from "../../base/random.js";
import type { Target } from "../../model/naming.js";
import type { ProbeResult, RunDocument, Series } from "../../probes/run-document.js";

const EMULATED = "emulated, without KVM";

interface Shape {
  seed: number;
  id: string;
  seat: string;
  quick: boolean;
  emulated: boolean;
  /** Whether the CPU probes were measured in the baseline, too. */
  baseline: boolean;
}

/** Probes that a baseline has. */
const MEASURABLE = ["cpu", "syscall", "fork-exec", "context-switch", "memory-bandwidth", "disk-io"];

/** Samples about a centre, right-skewed as times are. SYNTHETIC: made up for tests, measured nowhere. */
function around(random: () => number, centre: number, spread: number, n: number): number[] {
  return Array.from({ length: n }, () => {
    const tail = -Math.log(1 - random()) * spread;
    return Number((centre * (1 - spread / 2 + spread * random() * 0.6 + tail * 0.5)).toPrecision(5));
  });
}

/**
 * A SYNTHETIC run of every probe, seeded: its figures are invented for tests and mean nothing. Its shape is that of
 * issue 4's full run: 10 starts, 30 runs of the rest.
 */
export function syntheticRun(options: Partial<Shape> = {}): RunDocument {
  const seed = options.seed ?? 1;
  const { id, seat, quick, emulated, baseline } = {
    id: `2026-01-0${(seed % 9) + 1}T03-45-00Z-synthetic-test`,
    seat: "test",
    quick: false,
    emulated: true,
    baseline: false,
    ...options,
  };
  const random = randomNumbers(`fixture ${seed}`);
  const [few, many] = quick ? [3, 5] : [10, 30];

  type Row = [metric: string, title: string, container: number | undefined, guest: number | undefined];
  const series = (
    rows: Row[],
    unit: string,
    better: Series["better"],
    { n = many, spread = 0.08, cpu = false } = {},
  ): Series[] =>
    rows.flatMap(([metric, title, container, guest]) =>
      (
        [
          ["container", container],
          ["guest", guest],
        ] as [Target, number | undefined][]
      ).flatMap(([target, centre]) => {
        if (centre === undefined) return [];
        const representative = !(cpu && emulated && target === "guest");
        return {
          ...{ target, metric, title, unit, better, warmups: 2, status: "ok" as const, representative },
          samples: around(random, centre, spread, n),
          note: representative ? "" : EMULATED,
        };
      }),
    );
  const probe = (
    id: string,
    title: string,
    teaches: string,
    parts: Partial<ProbeResult> & Pick<ProbeResult, "series">,
  ): ProbeResult => ({
    ...{ id, title, teaches, kind: "target", control: false, published: [], status: "ok", note: "" },
    ...{ facts: [], raw: [] },
    ...parts,
  });

  const probes: ProbeResult[] = [
    probe(
      "start",
      "Start",
      "A container is a process with a fence round it, and starting a process takes milliseconds. A guest has a kernel to boot first, and an init system to bring up.",
      {
        kind: "life-cycle",
        published: [
          {
            what: "Kata Containers, a guest per container",
            figures: "start about 6× Docker",
            source: "arXiv 2110.11462 (secondary)",
            url: "https://arxiv.org/abs/2110.11462",
            ratio: 6,
          },
          {
            what: "boot floor",
            figures: "LightVM 2.3 ms, fork/exec 1 ms",
            source: "Manco et al., SOSP 2017",
          },
        ],
        series: series(
          [
            ["total", "to the first command answered", 0.46, 9.7],
            ["create", "create", 0.09, undefined],
            ["call", "call", 0.35, 0.4],
            ["kernel", "kernel", undefined, 3.1],
            ["userspace", "userspace", undefined, 5.4],
            ["answer", "until the first command is answered", 0.11, 0.8],
          ],
          "s",
          "lower",
          { n: few },
        ),
      },
    ),
    probe(
      "stop",
      "Stop",
      "Ending a machine means returning what it held. A process tree is gone when its last process is, a guest when its hypervisor has let go of memory, disk and network.",
      {
        kind: "life-cycle",
        series: series([["total", "until all is returned", 0.31, 1.4]], "s", "lower", { n: few }),
      },
    ),
    probe(
      "memory",
      "Memory cost on the host",
      "A container takes what its processes use. A guest brings a kernel and an init system, and what it once touched the host seldom gets back.",
      {
        kind: "host",
        published: [
          {
            what: "overhead of the virtual machine monitor",
            figures: "Firecracker 3 MB, Cloud Hypervisor 13 MB, QEMU 131 MB",
            source: "Agache et al., NSDI 2020 (secondary)",
          },
        ],
        series: [
          ...series(
            [
              ["idle", "idle", 1.9, 214],
              ["allocated", "with 128 MiB allocated", 130.2, 338],
              ["freed", "after freeing them", 2.3, 331],
            ],
            "MiB",
            "lower",
            { n: few, spread: 0.03 },
          ),
        ],
      },
    ),
    probe(
      "disk",
      "Disk cost on the host",
      "Both stand on one shared, read-only base and pay only for what they change. Deleting a file gives a container's bytes back at once, a guest's only if the disk passes the discard on.",
      {
        kind: "host",
        series: series(
          [
            ["own", "own bytes at start", 0.11, 7.8],
            ["written", "after writing 64 MiB", 64.1, 73.2],
            ["deleted", "after deleting them", 0.12, 73.4],
          ],
          "MiB",
          "lower",
          { n: few, spread: 0.01 },
        ),
      },
    ),
    probe(
      "syscall",
      "System call",
      "A container's system call enters the host's kernel directly, past a seccomp filter. A guest's enters its own kernel, and leaves the virtual machine only when hardware is meant.",
      {
        published: [
          {
            what: "open/close",
            figures: "runc 2.40 µs, gVisor 518 µs",
            source: "Young et al., HotCloud 2019 (secondary)",
          },
        ],
        series: series([["getppid", "getppid", 118, 960]], "ns", "lower", { cpu: true }),
      },
    ),
    probe(
      "fork-exec",
      "Fork and exec",
      "Starting a process is the unit of work of a shell. Its price is page tables, which a guest's are twice of.",
      {
        series: series([["fork-exec", "fork, exec, wait", 0.62, 9.8]], "ms", "lower", { cpu: true }),
      },
    ),
    probe(
      "context-switch",
      "Context switch",
      "Two processes hand a byte to and fro. The kernel that switches is the host's, or the guest's own.",
      {
        series: series([["pipe", "over a pipe", 3.2, 31]], "us", "lower", { cpu: true, spread: 0.2 }),
      },
    ),
    probe(
      "cpu",
      "CPU",
      "Arithmetic asks no kernel for anything. So both should be equal: a gap means that the set-up is unfair, not that one of them is slow.",
      {
        control: true,
        published: [
          {
            what: "Linpack",
            figures: "native 290.8, Docker 290.9, KVM 241.3 GFLOPS",
            source: "Felter et al., IBM RC25482, 2014 (secondary)",
            ratio: 0.83,
          },
        ],
        series: series([["events", "primes below 10 000", 1060, emulated ? 71 : 1042]], "1/s", "higher", {
          cpu: true,
          spread: 0.03,
        }),
      },
    ),
    probe(
      "memory-bandwidth",
      "Memory bandwidth",
      "Reading memory goes through the guest's page tables and the host's. With large pages the second walk costs little.",
      {
        series: series([["write", "write, 1 MiB blocks", 8900, emulated ? 1450 : 8700]], "MiB/s", "higher", {
          cpu: true,
        }),
      },
    ),
    probe(
      "disk-io",
      "Disk I/O",
      "A container's file is the host's file, one layer up. A guest's block passes a virtual controller, the monitor's thread and the host's file system.",
      {
        published: [
          {
            what: "random 4k",
            figures: "Docker about native; KVM half the IOPS",
            source: "Felter et al., IBM RC25482, 2014 (secondary)",
            ratio: 0.5,
          },
        ],
        series: series(
          [
            ["read-qd1", "random 4k read, depth 1", 7600, 2100],
            ["read-qd32", "random 4k read, depth 32", 61_000, 19_800],
            ["write-qd1", "random 4k write, depth 1", 5900, 1800],
            ["write-qd32", "random 4k write, depth 32", 42_000, 15_200],
          ],
          "1/s",
          "higher",
          { spread: 0.15 },
        ),
      },
    ),
    probe(
      "elasticity",
      "Elasticity",
      "A container's limit is a number in a file of the host's. A guest has to agree: its balloon driver gives pages back, its kernel takes a CPU in.",
      {
        kind: "host",
        series: series(
          [
            ["memory", "memory doubled, until seen", 0.06, 1.2],
            ["cpus", "second CPU, until seen", 0.05, 0.9],
          ],
          "s",
          "lower",
          { n: few },
        ),
        facts: [
          {
            title: "what can't be changed live",
            values: {
              container: "nothing of CPU and memory",
              guest: "more than the maximum it was defined with",
            },
            note: "a guest's firmware tables are written at boot",
          },
        ],
      },
    ),
    probe(
      "isolation",
      "Isolation",
      "What a tenant can see and call is what it can attack. A container shares the host's kernel, a guest only its hypervisor.",
      {
        kind: "host",
        series: series([["tries", "allowed, of 12 things root may want", 3, 12]], "1", "none", {
          n: 1,
          spread: 0,
        }),
        facts: [
          {
            title: "kernel",
            values: { container: "the host's (6.1.0)", guest: "its own (6.1.0)" },
            note: "",
          },
          {
            title: "processes of the host seen",
            values: { container: "none", guest: "none" },
            note: "a PID namespace, and a machine of its own",
          },
          { title: "dmesg", values: { container: "refused", guest: "its own" }, note: "" },
          {
            title: "capabilities",
            values: {
              container: "cap_chown, cap_dac_override, cap_fowner, cap_setgid, cap_setuid",
              guest: "all, over its own kernel",
            },
            note: "",
          },
          {
            title: "system calls allowed",
            values: { container: "31 of 44 tried", guest: "44 of 44 tried" },
            note: "by trying a list of harmless ones",
          },
          ...["mount a file system", "make a device node", "new user namespace", "chroot"].map(
            (title, i) => ({
              title,
              values: { container: i < 3 ? "no" : "yes", guest: "yes" },
              note: "",
              ticks: true,
            }),
          ),
        ],
      },
    ),
    probe(
      "duel",
      "Duel",
      "A hog in one target, a neighbour at work in the other. A limit that holds leaves the neighbour its own.",
      {
        kind: "host",
        series: [
          ["alone", "alone", 1040, 1010],
          ["cpu-hog", "beside a CPU hog", 790, 560],
          ["memory-hog", "beside a memory hog", 1010, 930],
          ["fork-bomb", "beside a fork bomb", 960, 900],
        ].flatMap((row) => series([row as Row], "1/s", "higher", { cpu: false })),
      },
    ),
    probe(
      "density",
      "Density",
      "What one more costs decides how many fit. The five that were started were measured; more than that is an extrapolation.",
      {
        kind: "host",
        series: [
          ...series([["memory", "memory of one more", 2.1, 221]], "MiB", "lower", { n: 5, spread: 0.04 }),
          ...series([["fit", "would fit on this host", 900, 29]], "1", "higher", { n: 1, spread: 0 }).map(
            (fit) => ({ ...fit, limit: fit.target === "guest" ? ("memory" as const) : ("cpu" as const) }),
          ),
        ],
        facts: [
          {
            title: "extrapolated",
            values: {
              container: "900, by cpu (memory 4000, disk 70000, idle CPU 900)",
              guest: "29, by memory (memory 29, disk 900, idle CPU not counted, as it is emulated)",
            },
            note: "calculated from 6 that were started, on what the host had free; not tried",
          },
        ],
      },
    ),
  ];
  if (baseline) {
    for (const { id, series } of probes.filter((p) => MEASURABLE.includes(p.id)))
      for (const own of series.filter((s) => s.target === "container")) {
        const factor = id === "syscall" ? 0.8 : 1;
        series.push({ ...own, target: "baseline", samples: own.samples.map((x) => x * factor) });
      }
  }
  return {
    schema: 3,
    ...(baseline ? { baseline: { measured: true, note: "a plain process on the host" } } : {}),
    ...{ id, seed, lab: "synthetic", seat, quick, emulated, partial: false },
    startedAt: "2026-01-02T03:45:00.000Z",
    endedAt: "2026-01-02T03:57:10.000Z",
    spec: { cpus: 1, memory: 536870912, disk: 4294967296, release: "bookworm", packages: [] },
    targets: ["container", "guest"],
    host: {
      cpuModel: "Synthetic CPU @ 2.0 GHz",
      cpus: 2,
      memory: 8 * 2 ** 30,
      kernel: "6.1.0-synthetic",
      versions: { trilab: "0.1.0", docker: "20.10.24", libvirt: "9.0.0", qemu: "7.2.0", node: "20.0.0" },
      loadBefore: 0.12,
      load: [0.4, 0.7, 0.9, 0.8],
      pinned: true,
    },
    parity: {
      inTolerance: true,
      rows: [
        row("cpus", "CPUs", "1", "1", "1", "match"),
        row("memory", "memory given", "512MiB", "512MiB", "511.4MiB", "match"),
        row("packages", "package set", "the same", "214 (9f3a1c)", "214 (9f3a1c)", "match"),
        row(
          "kernel",
          "kernel",
          "",
          "Linux 6.1.0-host",
          "Linux 6.1.0-guest",
          "nature",
          "a container runs on the host's kernel, a guest boots its own",
        ),
        row(
          "init",
          "process 1",
          "",
          "sleep",
          "systemd",
          "nature",
          "a guest boots an init system, a container starts a program",
        ),
      ],
    },
    overhead: series([["empty", "an empty probe", 0.041, 0.024]], "s", "lower", { n: 10 }),
    prediction: {
      at: "2026-01-02T03:40:00Z",
      startRatio: 10,
      memoryRatio: 5,
      duelLoser: "container",
      guestsThatFit: 12,
    },
    probes,
  };
}

function row(
  id: string,
  title: string,
  wanted: string,
  container: string,
  guest: string,
  verdict: "match" | "nature" | "wrong",
  note = "",
): RunDocument["parity"]["rows"][number] {
  return { id, title, wanted, values: { container, guest }, verdict, note };
}

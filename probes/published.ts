import type { ProbeResult } from "./run-document.js";

type Published = ProbeResult["published"][number];

const FELTER = {
  source: "Felter et al., IBM RC25482, 2014 (secondary)",
  url: "https://doi.org/10.1109/ISPASS.2015.7095802",
} as const;
const MANCO = {
  source: "Manco et al., SOSP 2017, abstract",
  url: "https://doi.org/10.1145/3132747.3132763",
} as const;
const KATA = { source: "arXiv 2110.11462 (secondary)", url: "https://arxiv.org/abs/2110.11462" } as const;
const YOUNG = {
  source: "Young et al., HotCloud 2019 (secondary)",
  url: "https://www.usenix.org/conference/hotcloud19/presentation/young",
} as const;

/** Figures that others published. Ratios are guest : container. "secondary" means that we quote another source's quote. */
export const published = {
  linpack: {
    what: "CPU, Linpack GFLOPS",
    figures: "native 290.8, Docker 290.9, KVM 241.3 (−17 %), KVM tuned 284.2 (−2 %)",
    ...FELTER,
    // Our targets are pinned, as the tuned one was.
    ratio: 284.2 / 290.9,
  },
  // This is about main memory. Our probe's blocks fit into a cache, so no line is drawn.
  stream: { what: "memory bandwidth, STREAM", figures: "KVM −1 … −3 %", ...FELTER },
  randomIo: {
    what: "random 4k I/O",
    figures: "Docker about native; KVM half the IOPS, read latency 2–3×",
    ...FELTER,
    ratio: 0.5,
    metric: "read-qd32", // theirs had many requests at once
  },
  bootFloor: {
    what: "boot floor",
    figures: "LightVM 2.3 ms, fork/exec about 1 ms; Docker about 100 times slower than LightVM",
    ...MANCO,
  },
  firecrackerBoot: {
    what: "Firecracker",
    figures: "at most 125 ms to init, 350 ms end to end",
    source: "firecracker SPECIFICATION.md; arXiv 2110.11462",
    url: "https://github.com/firecracker-microvm/firecracker/blob/main/SPECIFICATION.md",
  },
  kataStart: {
    what: "Kata containers, start",
    figures: "about 6× Docker",
    ...KATA,
    ratio: 6,
  },
  ec2: {
    what: "EC2, request to SSH",
    figures: "29.3 s in one sample",
    source: "daemonology.net 2021-08-12",
    url: "https://www.daemonology.net/blog/2021-08-12-EC2-boot-time-benchmarking.html",
  },
  vmmMemory: {
    what: "memory overhead of the VMM",
    figures: "Firecracker 3 MB, Cloud Hypervisor 13 MB, QEMU 131 MB",
    source: "Agache et al., NSDI 2020 (secondary)",
    url: "https://www.usenix.org/conference/nsdi20/presentation/agache",
  },
  kataMemory: {
    what: "Kata containers, memory",
    figures: "160 MiB allowed for a pod",
    ...KATA,
  },
  syscall: {
    what: "open and close a file",
    figures: "runc 2.40 µs, gVisor 518 µs",
    ...YOUNG,
  },
  lifeCycle: {
    what: "container life cycle",
    figures: "runc 1.014 s, gVisor-KVM 1.117 s",
    ...YOUNG,
  },
} as const satisfies Record<string, Published>;

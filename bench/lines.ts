import type { Figures, Line } from "./figures.js";

/** One line of the table: trilab's figure, and the others' figures to compare it with. */
export interface LineSpec {
  id: Line;
  /** Its letter, for `--only`. */
  letter: string;
  what: string;
  unit: "s" | "MiB";
  /** The contestants with which it is compared, and what they did. */
  peers: readonly { who: string; did: string }[];
  aim?: { text: string; met(figures: Figures): boolean | undefined };
}

/** About as many as a course has in a year. */
export const REAPED_SEATS = 200;
/** About as many as a class has. */
export const MANY_SEATS = 20;
/** As many guests as two emulated CPUs bear. */
export const RESUMED_SEATS = 8;
export const CLASS_SEATS = 50;
export const REHEARSED_SEATS = 5000;

const below = (line: Line, limit: number) => ({
  met: (figures: Figures): boolean | undefined => {
    const ours = figures.summary(line, "trilab");
    return ours && ours.median <= limit;
  },
});

/** At most this many seconds more than another contestant of the same line. */
const within = (line: Line, who: string, seconds: number) => ({
  met: (figures: Figures): boolean | undefined => {
    const [ours, theirs] = [figures.summary(line, "trilab"), figures.summary(line, who)];
    return ours && theirs && ours.median - theirs.median <= seconds;
  },
});

/** At most this many times as long as another contestant of the same line. */
const times = (line: Line, who: string, factor: number) => ({
  met: (figures: Figures): boolean | undefined => {
    const [ours, theirs] = [figures.summary(line, "trilab"), figures.summary(line, who)];
    return ours && theirs && ours.median <= factor * theirs.median;
  },
});

/** As many containers without trilab. */
const DOCKER_MANY: LineSpec["peers"] = [
  { who: "at once", did: "docker network create, docker run -d: as many, all at once" },
  { who: "in a row", did: "the same, one after the other" },
];

export const LINES: readonly LineSpec[] = [
  {
    id: "a",
    letter: "a",
    what: "up --on container, from nothing until it answers commands",
    unit: "s",
    peers: [{ who: "docker", did: "docker run -d, docker exec true" }],
    aim: { text: "docker run + 1.5 s", ...within("a", "docker", 1.5) },
  },
  {
    id: "b",
    letter: "b",
    what: "up, both targets, from nothing until parity is checked",
    unit: "s",
    peers: [{ who: "raw", did: "virsh create → SSH answers (network, overlay made before)" }],
    aim: { text: "raw + 2.5 s", ...within("b", "raw", 2.5) },
  },
  {
    id: "b-ssh",
    letter: "b",
    what: "the same, until it answers another SSH client, which tries all the time",
    unit: "s",
    peers: [{ who: "raw", did: "virsh create → SSH answers" }],
  },
  {
    id: "boot",
    letter: "b",
    what: "the guest alone: QEMU's start → SSH answers",
    unit: "s",
    peers: [{ who: "raw", did: "virsh create" }],
    aim: { text: "12 s under TCG", ...below("boot", 12) },
  },
  {
    id: "rss",
    letter: "b",
    what: "QEMU's resident memory when SSH answers (guest of 512 MiB)",
    unit: "MiB",
    peers: [{ who: "raw", did: "virsh create" }],
    aim: { text: "400 MiB", ...below("rss", 400) },
  },
  {
    id: "c",
    letter: "c",
    what: "up --on guest, from nothing until parity is checked",
    unit: "s",
    peers: [
      { who: "terraform", did: "terraform apply → SSH answers" },
      { who: "vagrant", did: "vagrant up" },
    ],
    aim: {
      text: "ahead of both",
      met: (figures) => {
        const ours = figures.summary("c", "trilab");
        const peers = ["terraform", "vagrant"].map((who) => figures.summary("c", who));
        return ours && peers.every((peer) => peer === undefined || ours.median < peer.median);
      },
    },
  },
  {
    id: "d",
    letter: "d",
    what: "up again, nothing to do, both targets",
    unit: "s",
    peers: [
      { who: "terraform", did: "terraform apply, the guest" },
      { who: "vagrant", did: "vagrant up, the guest" },
    ],
    aim: { text: "1.5 s", ...below("d", 1.5) },
  },
  {
    id: "e",
    letter: "e",
    what: "down with the receipt, both targets",
    unit: "s",
    peers: [
      { who: "raw", did: "docker rm -f; virsh destroy, undefine, net-destroy; rm" },
      { who: "terraform", did: "terraform destroy, the guest" },
      { who: "vagrant", did: "vagrant destroy -f, the guest" },
    ],
    aim: { text: "5 s", ...below("e", 5) },
  },
  {
    id: "f",
    letter: "f",
    what: "--help (node dist/cli/bin.js --help)",
    unit: "s",
    peers: [{ who: "node", did: "node -e 0" }],
    aim: { text: "0.3 s", ...below("f", 0.3) },
  },
  {
    id: "g",
    letter: "g",
    what: "./trilab version, with everything installed",
    unit: "s",
    peers: [{ who: "node", did: "node dist/cli/bin.js version" }],
    aim: { text: "1 s", ...below("g", 1) },
  },
  {
    id: "h",
    letter: "h",
    what: "up, all three targets (the VPS as a rehearsal), until parity is checked",
    unit: "s",
    peers: [{ who: "vps alone", did: "up --on vps, the slowest of the three" }],
    aim: { text: "the slowest + 3 s", ...within("h", "vps alone", 3) },
  },
  {
    id: "i",
    letter: "i",
    what: `reap --dry-run over ${REAPED_SEATS} seats' labels`,
    unit: "s",
    peers: [{ who: "raw", did: "docker ps -a, network ls, volume ls; virsh list, net-list, vol-list" }],
    aim: { text: "5 s", ...below("i", 5) },
  },
  {
    id: "j",
    letter: "j",
    what: `${MANY_SEATS} container seats in one process, from nothing until facts are read and compared`,
    unit: "s",
    peers: DOCKER_MANY,
    aim: { text: "2 × docker at once", ...times("j", "at once", 2) },
  },
  {
    id: "j-mem",
    letter: "j",
    what: "the same: most memory of the process and all that it starts (PSS)",
    unit: "MiB",
    peers: [],
    aim: { text: "1.5 GiB", ...below("j-mem", 1536) },
  },
  {
    id: "k",
    letter: "k",
    what: "up --on guest --resume, from nothing until parity is checked; the golden guest is there",
    unit: "s",
    peers: [{ who: "booted", did: "the same without --resume" }],
    aim: { text: "ahead of booting", ...within("k", "booted", 0) },
  },
  {
    id: "k-8",
    letter: "k",
    what: `${RESUMED_SEATS} guests at once in one class, resumed, until parity of all is checked`,
    unit: "s",
    peers: [{ who: "booted", did: "the same with `resume: false`" }],
    aim: { text: "20 s", ...below("k-8", 20) },
  },
  {
    id: "l",
    letter: "l",
    what: "reset container, until it answers",
    unit: "s",
    peers: [],
    aim: { text: "1.5 s", ...below("l", 1.5) },
  },
  {
    id: "l-guest",
    letter: "l",
    what: "reset guest, until it answers",
    unit: "s",
    peers: [{ who: "restart", did: "restart --force guest: the same boot, from the disk that it has" }],
    aim: { text: "restart + 1 s", ...within("l-guest", "restart", 1) },
  },
  {
    id: "m",
    letter: "m",
    what: "run -- true in both targets",
    unit: "s",
    peers: [{ who: "ssh guest", did: "ssh guest -- true, the slower one" }],
    aim: { text: "1.2 × the slower ssh", ...times("m", "ssh guest", 1.2) },
  },
  {
    id: "n",
    letter: "n",
    what: "resize guest --memory, until the new size is seen inside",
    unit: "s",
    peers: [],
    aim: { text: "1 s", ...below("n", 1) },
  },
  {
    id: "o",
    letter: "o",
    what: "snapshot save of the running guest of 512 MiB",
    unit: "s",
    peers: [],
    aim: { text: "5 s", ...below("o", 5) },
  },
  {
    id: "p",
    letter: "p",
    what: `class up, ${CLASS_SEATS} containers, from nothing until facts are read and compared`,
    unit: "s",
    peers: DOCKER_MANY,
    aim: { text: "2 × docker at once", ...times("p", "at once", 2) },
  },
  {
    id: "p-status",
    letter: "p",
    what: `class status, ${CLASS_SEATS} containers`,
    unit: "s",
    peers: [],
    aim: { text: "2 s", ...below("p-status", 2) },
  },
  {
    id: "p-down",
    letter: "p",
    what: `class down with the receipt, ${CLASS_SEATS} containers`,
    unit: "s",
    peers: [],
    aim: { text: "40 s", ...below("p-down", 40) },
  },
  {
    id: "q",
    letter: "q",
    what: `class rehearse ${REHEARSED_SEATS}, with the seat that it measures`,
    unit: "s",
    peers: [{ who: "one seat", did: "class rehearse 1: the seat alone" }],
    aim: { text: "10 s", ...below("q", 10) },
  },
];

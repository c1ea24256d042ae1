import { PROBE_NEEDS } from "../labs/probe-needs.js";
import type { FoundFact, Probe } from "./probe.js";
import { runIn } from "./run-in.js";

/** Prints the smallest Linux program for 64-bit ARM: header, segment, and three instructions that exit with 0. */
const ARM_PROGRAM =
  'print pack("a4 C4 x8 S2 L Q3 L S6", "\\x7fELF", 2, 1, 1, 0, 2, 183, 1, 0x400078, 64, 0, 0, 64, 56, 1, 64, 0, 0), pack("L2 Q6", 1, 5, 0, 0x400000, 0x400000, 132, 132, 4096), pack("L3", 0xd2800000, 0xd2800ba8, 0xd4000001)';

/** Each is harmless if it is allowed: it removes what it makes, or changes only its own process. */
const TRIES: readonly (readonly [string, string])[] = [
  ["mount a file system", "d=$(mktemp -d) && mount -t tmpfs none $d && umount $d; s=$?; rmdir $d; exit $s"],
  ["make a device node", "mknod /tmp/.trilab-null c 1 3 && rm /tmp/.trilab-null"],
  ["new user namespace", "unshare --user true"],
  ["new mount namespace", "unshare --mount true"],
  ["chroot", "chroot / true"],
  ["raise its priority", "nice -n -5 true 2>&1 | grep -q . && exit 1 || exit 0"],
  ["read the kernel's log", "dmesg"],
  ["add a network interface", "ip link add trilab0 type dummy && ip link del trilab0"],
  ["set the hostname", 'hostname "$(hostname)"'],
  [
    "trace a process of its own",
    "perl -e '$p = fork; if (!$p) { sleep 2; exit } $r = syscall(101, 16, $p, 0, 0); kill 9, $p; exit($r == 0 ? 0 : 1)'",
  ],
  // Writes the value that it has.
  [
    "change a setting of the kernel",
    "v=$(cat /proc/sys/vm/swappiness) || exit 127; echo $v >/proc/sys/vm/swappiness",
  ],
  // Loads an empty module. EPERM (1): the caller may load none; ENOEXEC (8): it may, but this is none.
  [
    "load a module",
    "perl -e '$none = \"\"; syscall(175, 0, 0, $none); exit($! == 1 ? 1 : $! == 8 ? 0 : 127)'",
  ],
  [
    "run a program for ARM",
    `f=$(mktemp) && perl -e '${ARM_PROGRAM}' >$f && chmod 700 $f || exit 127; perl -e '$f = shift; syscall(59, $f, 0, 0); exit($! == 8 ? 1 : 127)' $f; s=$?; rm -f $f; exit $s`,
  ],
];

/** Prints key=value lines. Runs as the target's root, and undoes every change. */
const SCRIPT = `
echo "kernel=$(uname -r)"
set -- /proc/[0-9]*; echo "processes=$#"
echo "disks=$(ls /sys/block | grep -vE '^(loop|ram)' | tr '\\n' ' ')"
echo "cgroup=$(tail -n 1 /proc/self/cgroup)"
while IFS=: read -r key value; do
  case $key in CapEff|NoNewPrivs|Seccomp) echo "$key=$(echo $value)" ;; esac
done < /proc/self/status
echo "capabilities=$(($(cat /proc/sys/kernel/cap_last_cap) + 1))"
read -r _ outside _ < /proc/self/uid_map && echo "root=$outside"
${TRIES.map(([, command], i) => `(${command}) >/dev/null 2>&1 </dev/null; case $? in 0) echo try${i}=yes ;; 127) ;; *) echo try${i}=no ;; esac`).join("\n")}`;

export const isolation: Probe = {
  id: "isolation",
  title: "Isolation, as facts",
  teaches:
    "Root in a container is a process on the host's kernel, without most of root's rights. Root in a guest has all rights, but only on the guest's own kernel. A container is confined by namespaces, capabilities, seccomp and cgroups of the host's kernel. A guest is confined by a hypervisor or an emulator.",
  kind: "target",
  needs: PROBE_NEEDS.isolation,
  metrics: [
    {
      id: "tries",
      title: `allowed, of ${TRIES.length} things root may want`,
      unit: "1",
      better: "none",
      bound: "size",
    },
  ],
  published: [],
  runs: { full: 1, quick: 1, warmups: 0 },
  timeLimit: 60,
  alone: true,
  async measure(subject) {
    const output = await runIn(subject, ["sh", "-c", SCRIPT], 50, { root: true });
    const { facts, allowed } = parseIsolation(output);
    return { values: { tries: allowed }, facts, output };
  },
};

const SECCOMP: Record<string, string> = { "0": "none", "1": "strict", "2": "filtered" };

/** The facts in what the script printed. Pure. */
export function parseIsolation(output: string): { facts: FoundFact[]; allowed: number } {
  const values = new Map(
    output.split("\n").map((line): [string, string] => {
      const at = line.indexOf("=");
      return [line.slice(0, at), line.slice(at + 1).trim()];
    }),
  );
  const get = (key: string): string => values.get(key) ?? "?";
  const did = (answer: string): string[] =>
    TRIES.flatMap(([what], i) => (get(`try${i}`) === answer ? [what] : []));
  const capabilities = /^[0-9a-f]+$/.test(get("CapEff"))
    ? [...BigInt(`0x${get("CapEff")}`).toString(2)].filter((bit) => bit === "1").length
    : "?";
  const fact = (title: string, value: string, note: string): FoundFact => ({ title, value, note });
  return {
    facts: [
      fact("kernel it calls", get("kernel"), "the host's kernel, or its own"),
      fact(
        "processes it sees",
        get("processes"),
        "the host also sees a container's processes; of a guest, it sees only QEMU",
      ),
      fact("disks in /sys", get("disks") || "none", "a container sees the host's disks, but can't open them"),
      fact("its cgroup", get("cgroup"), "a path here shows part of the host's layout"),
      fact(
        "root's capabilities",
        `${capabilities} of ${get("capabilities")}`,
        "CapEff of a root process inside",
      ),
      fact(
        "its root is",
        get("root") === "0" ? "root of the kernel it calls" : `user ${get("root")} of the kernel it calls`,
        "uid_map: only a user namespace maps it to another user",
      ),
      fact("system calls", SECCOMP[get("Seccomp")] ?? get("Seccomp"), "seccomp of a process inside"),
      fact("new privileges", get("NoNewPrivs") === "1" ? "never" : "by setuid programs", "NoNewPrivs"),
      ...TRIES.flatMap(([what], i): FoundFact[] => {
        const answer = get(`try${i}`);
        return answer === "?" ? [] : [{ title: what, value: answer, note: "", ticks: true }];
      }),
      ...(did("?").length > 0
        ? [fact("not tried", did("?").join(", "), "the tool is not in the image")]
        : []),
    ],
    allowed: did("yes").length,
  };
}

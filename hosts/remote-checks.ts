import type { SshHost } from "../drivers/ssh-host.js";
import { formatSize } from "../model/units.js";
import { sshAccelerator } from "./accelerator.js";
import { type Finding, type HostCheck, kvmFinding } from "./checks.js";
import { FIREWALL, setScript, stands } from "./firewall-rules.js";
import { daemonTools, type Tool } from "./packages.js";
import { bootUnit, UNIT, UNIT_FILE } from "./set-firewall.js";

/** Which daemons a host should have. */
export interface Daemons {
  docker: boolean;
  libvirt: boolean;
}

/** The output of {@link look}, by part. */
export type Facts = ReadonlyMap<string, string>;

const DOCKER = "docker --host unix:///var/run/docker.sock version --format '{{.Server.Version}}'";
const LIBVIRT = "virsh --connect qemu:///system version";

/** A script that prints what the checks need, each part below a line `@name`. It changes nothing. */
const look = (commands: readonly string[]): string => `
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi; }
part() { printf '\\n@%s\\n' "$1"; shift; "$@" 2>&1; }
part user id -un
part root root echo yes
part apt command -v apt-get
part machine uname -m
part commands sh -c 'for c in ${commands.join(" ")}; do command -v "$c" >/dev/null && echo "$c"; done'
part docker ${DOCKER}
part docker-root root ${DOCKER}
part libvirt ${LIBVIRT}
part libvirt-root root ${LIBVIRT}
part virtlogd awk '$4 == "00010000" && $8 ~ /virtlogd-sock$/ { print "yes"; exit }' /proc/net/unix
part kvm sh -c 'test ! -e /dev/kvm || stat -c "%a %g" /dev/kvm'
part iptables root iptables-save -t mangle
part ipv6 sh -c 'test -e /proc/sys/net/ipv6 && echo yes'
part ip6tables root ip6tables-save -t mangle
part unit sh -c 'test -d /run/systemd/system && cat ${UNIT_FILE}'
part systemd sh -c 'test -d /run/systemd/system && echo yes'
part cpus nproc
part memory awk '/^MemTotal:/ { print $2 * 1024 }' /proc/meminfo
part disk sh -c 'df --block-size=1 --output=avail /var/lib/libvirt 2>/dev/null || df --block-size=1 --output=avail /var/lib'
`;

/** Pure. */
export function parseFacts(text: string): Facts {
  const parts = text.split(/^@(?=[\w-]+$)/m).slice(1);
  return new Map(
    parts.map((part) => {
      const end = part.indexOf("\n");
      return [part.slice(0, end), part.slice(end + 1).trim()];
    }),
  );
}

/** The checks of a host for seats, in the order in which they must hold. The script runs once, and again after each repair. */
export function remoteChecks(host: SshHost, daemons: Daemons): HostCheck[] {
  const tools = daemonTools(daemons);
  let looked: Promise<Facts> | undefined;
  const facts = (): Promise<Facts> => {
    looked ??= host.run(look(tools.map(({ command }) => command))).then(({ stdout }) => parseFacts(stdout));
    return looked;
  };
  const check = (
    id: string,
    title: string,
    judge: (facts: Facts) => Judged | Promise<Judged>,
    level: HostCheck["level"] = "required",
  ): HostCheck => ({
    id,
    title,
    level,
    run: async () => {
      const found = await facts();
      const { repair, ...finding } = await judge(found);
      // Without root, trilab can't repair anything.
      if (finding.ok || repair === undefined || found.get("root") !== "yes") return finding;
      return {
        ...finding,
        repair: async (progress) => {
          progress.update(repair.doing);
          await host.asRoot(repair.doing, repair.script, repair.timeoutMs);
          looked = undefined;
          progress.note(repair.done);
        },
      };
    },
  });
  return [
    check("login", "login", judgeLogin),
    check("packages", "tools", (found) => judgeTools(found, tools)),
    ...(daemons.docker ? [check("docker", "Docker daemon", judgeDocker)] : []),
    ...(daemons.libvirt ? [check("kvm-access", "access to /dev/kvm", judgeKvmAccess)] : []),
    ...(daemons.libvirt ? [check("libvirt", "libvirt", judgeLibvirt)] : []),
    check("isolation", "firewall", judgeIsolation),
    ...(daemons.libvirt ? [check("kvm", "KVM", () => judgeKvm(host), "advice")] : []),
    check("capacity", "capacity", judgeCapacity, "advice"),
  ];
}

/** A finding, and the script with which root can repair it. */
export interface Judged extends Omit<Finding, "repair"> {
  repair?: { doing: string; done: string; script: string; timeoutMs?: number };
}

/** Pure, like all judge functions below. */
export function judgeLogin(facts: Facts): Judged {
  const user = facts.get("user") ?? "?";
  const machine = facts.get("machine");
  if (machine !== "x86_64") {
    return { ok: false, found: `a ${machine ?? "?"} machine`, wanted: "x86_64", fix: "use another host" };
  }
  const root = facts.get("root") === "yes";
  return {
    ok: root,
    found: `${user}, ${root ? "with root access" : "without root access, or only with a password"}`,
    wanted: "root, or sudo without a password: only root sees and sets the firewall",
    fix: `log in as root (ssh://root@…), or let ${user} use sudo without a password`,
  };
}

export function judgeTools(facts: Facts, tools: readonly Tool[]): Judged {
  const there = facts.get("commands")?.split("\n") ?? [];
  const missing = tools.filter(
    (tool) => !there.includes(tool.command) && !(tool.daemon && daemonAnswers(facts, tool.for)),
  );
  if (missing.length === 0) return { ok: true, found: "all there", wanted: "all there" };
  const packages = [...new Set(missing.map((tool) => tool.package))].sort().join(" ");
  const apt = facts.get("apt")?.startsWith("/") === true;
  const options = "-q -o DPkg::Lock::Timeout=120";
  return {
    ok: false,
    found: `missing: ${missing.map(({ command }) => command).join(", ")}`,
    wanted: "all there",
    fix: apt ? `apt-get install ${packages}` : `install the equivalents of Debian's ${packages}`,
    ...(apt && {
      repair: {
        doing: `installing ${packages}`,
        done: `installed ${packages}`,
        script: `set -e
export DEBIAN_FRONTEND=noninteractive
apt-get ${options} update
apt-get ${options} install -y --no-install-recommends ${packages}
`,
        timeoutMs: 900_000,
      },
    }),
  };
}

/** Whether a daemon answers the login user or root. Its binary may have another name or place, as virtqemud has. */
const daemonAnswers = (facts: Facts, daemon: Tool["for"]): boolean =>
  [facts.get(daemon), facts.get(`${daemon}-root`)].some(daemon === "docker" ? isVersion : hasLibvirtVersion);

const hasLibvirtVersion = (text: string | undefined): boolean => /^Using library: libvirt/m.test(text ?? "");
const isVersion = (text: string | undefined): text is string => /^\d+\.\d+\S*$/.test(text ?? "");

export function judgeDocker(facts: Facts): Judged {
  const wanted = "an answer";
  const [mine, roots, user] = [facts.get("docker"), facts.get("docker-root"), facts.get("user") ?? ""];
  if (isVersion(mine)) return { ok: true, found: mine, wanted };
  if (isVersion(roots)) return notInGroup(user, "docker");
  return {
    ok: false,
    found: lastLine(roots ?? mine),
    wanted,
    fix: "start dockerd",
    repair: {
      doing: "starting the Docker daemon",
      done: "started the Docker daemon",
      script: `if [ -d /run/systemd/system ]; then systemctl enable --now docker; else
  ${stalePid("/run/docker.pid", "dockerd")}
  ${stalePid("/run/docker/containerd/containerd.pid", "containerd")}
  setsid dockerd </dev/null >>/var/log/dockerd.log 2>&1 &
fi
${untilAnswers(DOCKER, "/var/log/dockerd.log")}`,
    },
  };
}

/** Removes an outdated PID file: dockerd would believe that it runs already. */
const stalePid = (file: string, command: string): string =>
  `[ "$(cat "/proc/$(cat ${file} 2>/dev/null)/comm" 2>/dev/null)" = ${command} ] || rm -f ${file}`;

/** Waits up to half a minute for a daemon. */
const untilAnswers = (command: string, log: string): string => `for i in $(seq 150); do
  ${command} >/dev/null 2>&1 && exit 0
  sleep 0.2
done
${command} || tail -n 5 ${log}
exit 1
`;

function notInGroup(user: string, group: string): Judged {
  return {
    ok: false,
    found: `${user} may not use it`,
    wanted: `${user} in the group ${group}, because trilab uses the daemon as this user`,
    fix: `usermod -aG ${group} ${user}`,
    repair: {
      doing: `adding ${user} to the group ${group}`,
      done: `${user} is in the group ${group} now`,
      script: `usermod -aG ${group} ${user}`,
    },
  };
}

export function judgeKvmAccess(facts: Facts): Judged {
  const wanted = "open to its group, if it exists";
  const [, mode, gid] = /^(\d+) (\d+)$/.exec(facts.get("kvm") ?? "") ?? [];
  if (mode === undefined) return { ok: true, found: "no /dev/kvm there", wanted };
  const bits = Number.parseInt(mode, 8);
  return {
    ok: (bits & 0o006) === 0o006 || ((bits & 0o060) === 0o060 && gid !== "0"),
    found: `mode ${mode}, group ${gid}`,
    wanted,
    fix: "chgrp kvm /dev/kvm && chmod 660 /dev/kvm (otherwise libvirt probes QEMU for over a minute at every start)",
    repair: {
      doing: "opening /dev/kvm to its group",
      done: "opened /dev/kvm to its group",
      script: "chgrp kvm /dev/kvm && chmod 660 /dev/kvm",
    },
  };
}

export function judgeLibvirt(facts: Facts): Judged {
  const wanted = "libvirtd and virtlogd answer";
  const [mine = "", roots = ""] = [facts.get("libvirt"), facts.get("libvirt-root")];
  const version = /^Using library: libvirt (\S+)/m.exec(mine)?.[1];
  const logs = facts.get("virtlogd") === "yes";
  if (version !== undefined && logs) {
    return { ok: true, found: `libvirt ${version}, ${/^Running hypervisor: (.*)/m.exec(mine)?.[1]}`, wanted };
  }
  if (hasLibvirtVersion(roots) && logs) return notInGroup(facts.get("user") ?? "", "libvirt");
  return {
    ok: false,
    found: version === undefined ? lastLine(roots || mine) : "libvirtd answers, but virtlogd does not",
    wanted,
    fix: "start virtlogd and libvirtd",
    repair: {
      doing: "starting libvirt",
      done: "started libvirt",
      script: `if [ -d /run/systemd/system ]; then systemctl enable --now virtlogd.socket libvirtd; else
  ${facts.get("virtlogd") === "yes" ? "" : "virtlogd -d"}
  ${hasLibvirtVersion(roots) ? "" : "libvirtd -d"}
fi
${untilAnswers(LIBVIRT, "/var/log/libvirt/libvirtd.log")}`,
    },
  };
}

export function judgeIsolation(facts: Facts): Judged {
  const wanted = "iptables rules that block traffic between seats, and to the host's services";
  const text = bootUnit(setScript());
  const sets = FIREWALL.filter(({ program }) => program === "iptables" || facts.get("ipv6") === "yes");
  const set = sets.every((each) => stands(each, facts.get(each.program) ?? ""));
  // Without the unit, the rules are missing when seats start again after a reboot.
  const kept = facts.get("systemd") !== "yes" || facts.get("unit") === text.trim();
  if (set && kept) return { ok: true, found: "the rules are set", wanted };
  const script =
    facts.get("systemd") === "yes"
      ? `set -e
cat >${UNIT_FILE} <<'END OF THE UNIT'
${text.trimEnd()}
END OF THE UNIT
systemctl daemon-reload
systemctl enable ${UNIT}
systemctl restart ${UNIT}
`
      : setScript();
  return {
    ok: false,
    found: set ? "the rules would be gone after a reboot" : "no rules",
    wanted,
    fix: "set the rules, only for seats' bridges; with systemd, also add a unit that sets them at boot",
    repair: { doing: "setting the firewall", done: "set the firewall between seats", script },
  };
}

const judgeKvm = async (host: SshHost): Promise<Judged> => kvmFinding(await sshAccelerator(host));

export function judgeCapacity(facts: Facts): Judged {
  const disk = Number(lastLine(facts.get("disk")));
  return {
    ok: disk > 6 * 2 ** 30,
    found: `${facts.get("cpus")} CPUs, ${formatSize(Number(facts.get("memory")))} of memory, ${formatSize(disk)} of disk free`,
    wanted: "6GiB of disk free",
    fix: "free some disk",
  };
}

const lastLine = (text = ""): string => text.split("\n").at(-1)?.trim() || "no answer";

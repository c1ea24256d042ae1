import { messageOf } from "../base/errors.js";
import { quoted } from "../base/shell-words.js";
import type { Environment } from "../drivers/environment.js";
import type { LabScript } from "./lab-scripts.js";
import type { Values } from "./variables.js";

/** The exit code of a script that says `no`. */
const NOT_MET = 100;
/** The exit code of `timeout`, and of what it had to kill. */
const TIMED_OUT = [124, 137];
/** Says inside a target that the lab's setup was done: it may break things that a learner then repairs. */
export const SET_UP_MARK = "/var/lib/trilab/lab-is-set-up";

/** Bytes of a script's words that are kept. */
const MOST_WORDS = 500;

/**
 * How a script ended. `failed`: neither yes nor no, because it could not look: it had an error, took too long, or the
 * machine did not answer.
 */
export interface ScriptResult {
  outcome: "done" | "no" | "failed";
  /** The sentence of `no`, or why it failed. Empty when done. */
  why: string;
  /** What the script noted: key → value. */
  evidence: Readonly<Record<string, string>>;
  /**
   * The kernel's boot and process 1's start, which change when the target starts anew ({@link startOf}), then what only this machine
   * has. Empty when the script did not begin.
   */
  boot: string;
  /** Whether the lab's setup was done in the target before. False when the script did not begin. */
  isSetUp: boolean;
  /** What it printed, for people who write labs. */
  output: string;
}

export interface ScriptOptions {
  values: Values;
  /** Also variables of the script: the lab's and the seat's name, and the login user. */
  seat: { lab: string; seat: string; user: string };
  /** Seconds. */
  timeout: number;
  signal?: AbortSignal | undefined;
}

/**
 * Runs a lab's script as root in a target, by bash on its standard input, so nothing is left on its disk. The script gets
 * the seat's variables, `no "why"`, and `note KEY VALUE`.
 *
 * @throws the signal's reason when it is aborted.
 */
export async function runScript(
  environment: Environment,
  script: LabScript,
  { seat: { lab, seat, user }, signal, timeout, values }: ScriptOptions,
): Promise<ScriptResult> {
  const { target } = environment;
  const failed = (why: string, output = ""): ScriptResult => ({
    outcome: "failed",
    why,
    evidence: {},
    boot: "",
    isSetUp: false,
    output,
  });
  try {
    const { exitCode, stderr, stdout } = await environment.exec(
      ["bash", "-c", RUN, "bash", String(timeout)],
      {
        root: true,
        input: program(script, { ...values, lab, seat, target, user }),
        timeoutMs: (timeout + 15) * 1000,
        signal,
      },
    );
    signal?.throwIfAborted();
    const said = read(stdout);
    const output = stderr.trim();
    if (exitCode === 0 && said.boot !== "") return { outcome: "done", why: "", ...said, output };
    if (exitCode === NOT_MET && said.no !== undefined)
      return { outcome: "no", why: said.no, ...said, output };
    const last = cut(output.split("\n").at(-1) ?? "");
    if (TIMED_OUT.includes(exitCode))
      return {
        ...failed(`${script.name} did not end within ${timeout} s`, output),
        boot: said.boot,
        isSetUp: said.isSetUp,
      };
    if (said.boot === "")
      return failed(`the ${target} did not run it: ${last || `exit ${exitCode}`}`, output);
    return {
      ...failed(`${script.name} failed (exit ${exitCode})${last && `: ${last}`}`, output),
      boot: said.boot,
      isSetUp: said.isSetUp,
    };
  } catch (error) {
    signal?.throwIfAborted();
    return failed(messageOf(error).split("\n")[0] ?? "");
  }
}

/**
 * Runs bash for at most $1 seconds, then ends every process that it left behind in its group, because they keep the output
 * open; a service in a session of its own stays. Of the standard error, 64 KiB are kept.
 */
const RUN = `exec 4> >(head -c 65536 >&2; cat >/dev/null)
printer=$!
timeout -k 2 "$1" bash -s <&0 2>&4 4>&- &
job=$!
wait $job
code=$?
kill -KILL -- -$job 2>/dev/null
exec 4>&-
for _ in 1 2 3 4 5 6 7 8 9 10; do kill -0 $printer 2>/dev/null || break; sleep 0.1; done
kill -KILL $printer 2>/dev/null
exit $code`;

/**
 * A sed script that finds a container's ID in its /proc/1/mountinfo, because Docker mounts a file from the container's folder. Containers
 * of one host share its boot, and two can start in the same tick.
 */
export const CONTAINER_ID =
  "s#.*/containers/\\([0-9a-f]\\{12\\}\\)[0-9a-f]*/hostname /etc/hostname .*# \\1#p";

/** The part of a script's `boot` that changes when its target starts anew. Pure. */
export const startOf = (boot: string): string => boot.split(" ").slice(0, 2).join(" ");

/**
 * The script with what goes before it. It is one function, so bash reads all of it before a command in it can read its
 * standard input. Descriptor 3 carries what the script tells us; all other output goes to the standard error.
 */
function program({ text }: LabScript, values: Values): string {
  const assignments = Object.entries(values).map(([name, value]) => `${name}=${quoted([value])}`);
  return `exec 3>&1 1>&2
set -eu
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 HOME=/root
cd /
${assignments.join("\n")}
no() { printf 'no %s\\n' "$*" | head -c ${MOST_WORDS} | tr '\\n' ' ' >&3; echo >&3; exit ${NOT_MET}; }
note() { printf 'note %s %s\\n' "$1" "$(printf %s "$2" | head -c ${MOST_WORDS} | tr '\\n' ' ')" >&3; }
# Resumed guests share their boot with others; each writes its machine id there.
golden=; [ ! -e /run/trilab-golden ] || golden=" $(cat /run/trilab-golden)"
printf 'boot %s %s\\n' "$(cat /proc/sys/kernel/random/boot_id)" "$(sed 's/.*) //' /proc/1/stat | cut -d ' ' -f 20)$golden$(sed -n '${CONTAINER_ID}' /proc/1/mountinfo)" >&3
[ ! -e ${SET_UP_MARK} ] || echo set-up >&3
main() {
:
${text}
}
main </dev/null
`;
}

interface Said {
  no?: string;
  boot: string;
  isSetUp: boolean;
  evidence: Record<string, string>;
}

function read(stdout: string): Said {
  const said: Said = { boot: "", isSetUp: false, evidence: {} };
  for (const line of stdout.split("\n")) {
    const [, kind, rest = ""] = /^(note|no|boot|set-up)(?: (.*))?$/.exec(line) ?? [];
    if (kind === "no") said.no = cut(rest);
    if (kind === "boot") said.boot = rest;
    if (kind === "set-up") said.isSetUp = true;
    const [key, ...value] = rest.split(" ");
    if (kind === "note" && key) said.evidence[key] = cut(value.join(" "));
  }
  return said;
}

const cut = (text: string): string => text.trim().slice(0, MOST_WORDS);

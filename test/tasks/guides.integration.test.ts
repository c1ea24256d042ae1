import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { repoDir } from "../../base/paths.js";
import { expectDone, expectDown, type Home, openHome } from "../e2e/support.js";
import { TypedSession } from "./typed-session.js";

/** What a learner adds to a guide, or leaves out. */
interface Learner {
  lab: string;
  /** The answer to each question, from all that was on the screen so far, and the guide. */
  answers: Readonly<Record<string, (seen: string, guide: string) => string | undefined>>;
  /** What to write instead of words in capitals, from all that was on the screen so far. */
  instead?: Readonly<Record<string, (seen: string) => string | undefined>>;
  /** Commands that the guide shows failing. */
  mayFail: RegExp[];
  /** Commands that are not typed here. */
  leaveOut?: RegExp;
  /** Tasks that a person marks, or that were left out. */
  open?: readonly string[];
}

const LEARNERS: readonly Learner[] = [
  {
    lab: "by-hand",
    answers: {
      "pid-inside": (seen) => /NSpid:\s+\d+\s+(\d+)/.exec(seen)?.[1],
      kernel: () => "guest",
    },
    mayFail: [/^trilab check/],
  },
  {
    lab: "one-kernel",
    answers: {
      // Of strace's last table.
      calls: (seen) => [...seen.matchAll(/(\d+)\s+write$/gm)].at(-1)?.[1],
      "same-calls": () => "same",
      refused: () => "read-only",
      "why-not": () => "'A module becomes a part of the kernel that all containers and the host share.'",
    },
    mayFail: [/^trilab check/, /container --root -- (sysctl|modprobe)/],
    open: ["why-not"],
  },
  {
    lab: "first-boot",
    answers: {
      "whose-kernel": () => "host",
      "guest-kernel": (seen) => /^6\.1\.\S+/m.exec(seen)?.[0],
      memory: () =>
        "'The kernel of the guest itself, and its firmware, have taken it before anything was counted.'",
    },
    mayFail: [/^trilab check/],
    // Measuring takes three minutes, and test/probes does it. The last step removes the machines.
    leaveOut: /^trilab (compare|answer start-ratio|submit|down)/,
    open: ["start-ratio", "memory"],
  },
  {
    lab: "walls",
    answers: {
      forks: lastNumber,
      secret: (seen) => seen.trim().split("\n").at(-1),
      "read-only": () => "nothing",
    },
    mayFail: [
      /^trilab check/,
      /^docker exec \w+ hog$/,
      /^docker exec portal cat/,
      /^docker exec \w+ (echo one|sh -c 'for i in)/,
      /^docker exec portal ls/,
    ],
  },
  {
    lab: "own-vps",
    answers: {
      forgotten: forgottenPort,
      price: (seen, guide) => {
        const hour = /^1 × .*\$(0\.\d+) /m.exec(seen)?.[1];
        const days = /in (\d+) days,/.exec(guide.replaceAll(/\s+/g, " "))?.[1];
        return hour && days ? String(Number(hour) * 24 * Number(days)) : undefined;
      },
      stopped: () => "disk",
      "who-ends": () => "itself",
    },
    instead: { PORT: forgottenPort },
    mayFail: [/^trilab check/, /^from-outside/],
  },
];

/** The last line that is a number. */
function lastNumber(seen: string): string | undefined {
  return [...seen.matchAll(/^\d+$/gm)].at(-1)?.[0];
}

/** The port on which neither sshd nor nginx accepts connections from everybody, of what `ss -ltnp` printed. */
function forgottenPort(seen: string): string | undefined {
  const rows = [...seen.matchAll(/^LISTEN .* (?:0\.0\.0\.0|\[::\]|\*):(\d+) .*users:\(\("([^"]+)"/gm)];
  return rows.find(([, , program]) => program !== "sshd" && program !== "nginx")?.[1];
}

/** Each has a home of their own, in which their seat is the only one, so no command needs its name. */
const homes = new Map(LEARNERS.map((learner) => [learner, openHome()]));
let bin: string;
beforeAll(async () => {
  bin = await mkdtemp(join(tmpdir(), "bin-"));
  await writeFile(join(bin, "trilab"), `#!/bin/sh\nexec node ${join(repoDir, "dist/cli/bin.js")} "$@"\n`, {
    mode: 0o755,
  });
});
afterAll(() => rm(bin, { recursive: true, force: true }));

/** The commands in a guide's code blocks, in order. A line goes on in the next one if it ends with a backslash or in a quotation. */
function commandsIn(guide: string): string[][] {
  const lines = guide.split("\n").flatMap((line) => (/^ {4}.*\S/.test(line) ? [line.slice(4)] : []));
  const commands: string[][] = [];
  for (const line of lines) {
    const last = commands.at(-1) ?? [];
    if (last.at(-1)?.endsWith("\\") || last.join("").split("'").length % 2 === 0) last.push(line);
    else commands.push([line]);
  }
  return commands;
}

/** A command with the words in capitals replaced. */
function filled(command: readonly string[], learner: Learner, seen: string): string[] {
  return command.map((line) =>
    Object.entries(learner.instead ?? {}).reduce((text, [word, value]) => {
      if (!text.includes(` ${word}`)) return text;
      const found = value(seen);
      expect(found, `${word}, from:\n${seen}`).toBeDefined();
      return text.replaceAll(` ${word}`, ` ${found}`);
    }, line),
  );
}

test.each(LEARNERS)("the guide of $lab, typed word by word, leads to all tasks met", async (learner) => {
  const { lab } = learner;
  const home = homes.get(learner) as Home;
  const seat = home.seat(lab.slice(0, 2), lab);
  expectDone(await home.trilab(["up", lab, "--seat", seat, "-y"]));
  const { stdout: guide } = expectDone(await home.trilab(["guide", "--all", "--lab", lab]));
  const session = await TypedSession.open(`guide-${process.pid}-${lab}`, {
    XDG_STATE_HOME: home.dir,
    PATH: `${bin}:${process.env.PATH}`,
    NO_COLOR: "1",
  });
  try {
    let seen = "";
    let isInside = false;
    for (const command of commandsIn(guide)) {
      const [line = ""] = command;
      if (learner.leaveOut?.test(line)) continue;
      if (/^trilab ssh \w+( --root)?$/.test(line)) {
        await session.enter(line);
        isInside = true;
        continue;
      }
      const [, task = "", rest] = /^trilab answer ([\w-]+) (.*)$/.exec(line) ?? [];
      const answer = learner.answers[task]?.(seen, guide);
      if (rest !== undefined) expect(answer, `an answer to ${task}, from:\n${seen}`).toBeDefined();
      const typed = rest === undefined ? filled(command, learner, seen) : [`trilab answer ${task} ${answer}`];
      const window = isInside && !line.startsWith("trilab ") ? "inside" : "own";
      if (line === "exit") isInside = false;
      const { code, text } = await session.type(window, typed);
      seen += `${text}\n`;
      if (!learner.mayFail.some((pattern) => pattern.test(line))) expect(code, `${line}\n${text}`).toBe(0);
    }
    const { stdout } = await home.trilab(["check", "--lab", lab, "--seat", seat, "--json"]);
    const { tasks } = JSON.parse(stdout) as { tasks: { id: string; standing: string }[] };
    const notMet = tasks.filter(({ standing }) => standing !== "met").map(({ id }) => id);
    expect(notMet, stdout).toEqual(learner.open ?? []);
  } finally {
    await session.close();
  }
  await expectDown(await home.trilab(["down", lab, "--seat", seat, "--json"]), lab, seat);
});

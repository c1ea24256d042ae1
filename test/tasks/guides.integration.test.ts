import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { repoDir } from "../../base/paths.js";
import { expectDone, expectDown, openHome } from "../e2e/support.js";
import { TypedSession } from "./typed-session.js";

/** What a learner adds to a guide, or leaves out. */
interface Learner {
  lab: string;
  /** The answer to each question, from all that was on the screen so far. */
  answers: Readonly<Record<string, (seen: string) => string | undefined>>;
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
];

const home = openHome();
let bin: string;
beforeAll(async () => {
  bin = await mkdtemp(join(tmpdir(), "bin-"));
  await writeFile(join(bin, "trilab"), `#!/bin/sh\nexec node ${join(repoDir, "dist/cli/bin.js")} "$@"\n`, {
    mode: 0o755,
  });
});
afterAll(() => rm(bin, { recursive: true, force: true }));

/** The commands in a guide's code blocks, in order: a line that ends with a backslash goes on in the next one. */
function commandsIn(guide: string): string[][] {
  const lines = guide.split("\n").flatMap((line) => (line.startsWith("    ") ? [line.slice(4)] : []));
  const commands: string[][] = [];
  for (const [i, line] of lines.entries()) {
    if (i > 0 && lines[i - 1]?.endsWith("\\")) commands.at(-1)?.push(line);
    else commands.push([line]);
  }
  return commands;
}

test.each(LEARNERS)("the guide of $lab, typed word by word, leads to all tasks met", async (learner) => {
  const { lab } = learner;
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
      const answer = learner.answers[task]?.(seen);
      if (rest !== undefined) expect(answer, `an answer to ${task}, from:\n${seen}`).toBeDefined();
      const typed = rest === undefined ? command : [`trilab answer ${task} ${answer}`];
      const window = isInside && !line.startsWith("trilab ") ? "inside" : "own";
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

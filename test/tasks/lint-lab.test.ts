import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { labNames, loadLab, parseLab } from "../../labs/load-lab.js";
import { guideProblems } from "../../tasks/lint-lab.js";

const { tasks } = parseLab(
  "name: web\ntitle: T\nsummary: S\ntasks:\n  - { id: built, title: t }\n  - { id: why, ask: q, answer: { text: r } }\n",
  "f",
);

it("a guide that leads to the lab's tasks is in order", () => {
  expect(
    guideProblems("# T\n\n    trilab check built\n    trilab answer why TEXT\n    trilab check\n", tasks),
  ).toEqual([]);
});

it("a guide that has drifted from the lab's tasks is not", () => {
  const guide =
    "    trilab check bilt\n    trilab answer built X\n    trilab hint built\nIn text, trilab check nothing is no command.\n";
  expect(guideProblems(guide, tasks)).toEqual([
    'guide.md: "trilab check bilt" names no such task',
    'guide.md: "trilab answer built" names no such task',
    'guide.md: has no "trilab answer why"',
  ]);
});

it("a here-document is not for a guide", () => {
  const guide =
    "    trilab answer why TEXT\n    cat > file <<'END'\n    text\n    END\n    echo $((1 << 2))\n";
  expect(guideProblems(guide, tasks)).toEqual([
    `guide.md: "cat > file <<'END'" can't be copied from a terminal; use printf or echo`,
  ]);
});

it("the guides of all labs are in order", async () => {
  for (const name of await labNames()) {
    const lab = await loadLab(name);
    expect(guideProblems(await readFile(join(lab.dir, "guide.md"), "utf8"), lab.tasks), name).toEqual([]);
  }
});

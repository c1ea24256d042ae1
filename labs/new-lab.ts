import { mkdir, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { ExitCode, hasCode, UserError } from "../base/errors.js";
import { labelProblem, MAX_LAB_LENGTH } from "../model/naming.js";

/**
 * Writes a lab to start from into a new folder, whose name is the lab's.
 *
 * @returns the lab's name, and the paths of its files in that folder.
 * @throws UserError (exit 2) when the name can't be a lab's, the folder exists, or its parent folder does not.
 */
export async function writeNewLab(dir: string): Promise<{ name: string; files: string[] }> {
  const name = basename(dir);
  const problem = labelProblem(name, MAX_LAB_LENGTH);
  if (problem) {
    throw new UserError(`"${name}" can't be a lab's name`, {
      why: `it ${problem}`,
      fix: "choose another name",
      exitCode: ExitCode.usage,
    });
  }
  try {
    await mkdir(dir);
  } catch (error) {
    if (!hasCode(error, "EEXIST", "ENOENT")) throw error;
    throw new UserError(`the folder ${dir} can't be made`, {
      why: hasCode(error, "EEXIST") ? "it is there already" : "its parent folder does not exist",
      fix: "choose another name",
      exitCode: ExitCode.usage,
    });
  }
  const files = template(name);
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), content);
  }
  return { name, files: Object.keys(files) };
}

/** The files of a new lab: a greeting that a learner writes, and a question. */
const template = (name: string): Record<string, string> => ({
  "lab.yaml": `name: ${name}
title: A greeting
summary: >-
  The learner writes a file in the container. Replace this by what your lab teaches.
topic: example
takes: 15m
targets: [container]
vars:
  port: { int: [20000, 29999] } # drawn for each seat
tasks:
  - id: greeting
    title: The file ~/greeting holds the number \${port}
    points: 2
    hints:
      - The program echo writes a line; > puts it into a file.
      - { text: "echo \${port} > ~/greeting", cost: 1 }
  - id: kernel
    ask: Which kernel release runs in the container?
    answer: { read: container }
`,
  "guide.md": `# A greeting

What the learner will see, and why it matters.

## 1. Write it

Open a shell in the container:

    trilab ssh container

Write the number \${port} into the file \`~/greeting\`. Leave the shell with \`exit\`, then look:

    trilab check greeting

Find out which kernel runs there, and answer with its release:

    trilab ssh container -- uname -r
    trilab answer kernel RELEASE

## 2. Think

- Where is that file on the host?
- What happens to it when the container is removed?
- Would it be different in a virtual machine?
`,
  "setup.sh": `# Runs once in every target, as root. It may be run again, and must end with an error if the seat is not ready.
rm -f "/home/$user/greeting"
`,
  "tasks/greeting/check.sh": `# 0: met. no "sentence": not met. Everything else: could not look.
file="/home/$user/greeting"
[ -f "$file" ] || no "there is no file ~/greeting"
[ "$(tr -d '[:space:]' <"$file")" = "$port" ] || no "~/greeting does not hold your number"
note bytes "$(stat -c %s "$file")"
`,
  "tasks/greeting/solve.sh": `echo "$port" >"/home/$user/greeting"
`,
  "tasks/greeting/wrong-1.sh": `echo "$((port + 1))" >"/home/$user/greeting"
`,
  "tasks/kernel/answer.sh": `note answer "$(uname -r)"
`,
});

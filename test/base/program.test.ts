import { execFileSync } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import { repoDir } from "../../base/paths.js";
import { asCalled } from "../../base/program.js";
import { COMMANDS } from "../../cli/commands/index.js";

it("commands are named as they are typed here, and nothing else is", () => {
  const text =
    "see trilab status; or `trilab up` (trilab down)\n    trilab ssh guest\ntrilab/machine, trilab itself, mytrilab up";
  expect(asCalled(text, "./trilab")).toBe(
    "see ./trilab status; or `./trilab up` (./trilab down)\n    ./trilab ssh guest\ntrilab/machine, trilab itself, mytrilab up",
  );
  expect(asCalled(text, "trilab")).toBe(text);
  for (const { usage } of COMMANDS) expect(asCalled(`trilab ${usage}`, "./t")).toBe(`./t ${usage}`);
});

it("the start script hands on what it was called by", async () => {
  // A checkout that is built already, whose program says only that.
  const dir = await mkdtemp(join(tmpdir(), "trilab-program-"));
  try {
    await cp(join(repoDir, "trilab"), join(dir, "trilab"));
    for (const file of ["package-lock.json", "node_modules/.trilab-lock", "dist/.built", "labs/none"]) {
      await mkdir(dirname(join(dir, file)), { recursive: true });
      await writeFile(join(dir, file), "");
    }
    await mkdir(join(dir, "dist/cli"));
    await writeFile(join(dir, "dist/cli/bin.js"), "console.log(process.env.TRILAB_COMMAND);\n");
    const said = (command: string, cwd: string): string =>
      execFileSync("sh", ["-c", command], { cwd, encoding: "utf8" }).trim();
    expect(said("./trilab status", dir)).toBe("./trilab");
    expect(said("../trilab status", join(dir, "labs"))).toBe("../trilab");
    expect(said("sh trilab status", dir)).toBe("./trilab");
    expect(said('PATH="$PWD:$PATH" trilab status', dir)).toBe("trilab");
  } finally {
    await rm(dir, { recursive: true });
  }
});

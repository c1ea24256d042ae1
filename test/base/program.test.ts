import { execFileSync } from "node:child_process";
import { join } from "node:path";
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

it("the start script hands on what it was called by", () => {
  const said = (command: string, cwd: string): string =>
    execFileSync("sh", ["-c", `${command} labs show first-boot`], { cwd, encoding: "utf8" });
  expect(said("./trilab", repoDir)).toContain("    ./trilab ssh container -- uname -r");
  expect(said("../trilab", join(repoDir, "labs"))).toContain("    ../trilab down");
  expect(said("sh trilab", repoDir)).toContain("    ./trilab down");
  expect(said('PATH="$PWD:$PATH" trilab', repoDir)).toContain("    trilab down");
});

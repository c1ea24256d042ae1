import { mkdir, writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { ExitCode, hasCode, UserError } from "../base/errors.js";
import { classNameOf } from "./define-class.js";

const classYaml = (name: string): string => `# yaml-language-server: $schema=../classes/class.schema.json
name: ${name}
lab: first-boot # a lab's name, or the path of its folder
roster: roster.csv
# targets: [container] # default: the lab's
# ttl: 3h # default: the lab's; none: until class down
# readyBy: 2026-11-30T09:00+01:00 # when the lesson begins; class plan then says when to start
# cloud: aws # where a vps comes from; default: the lab's
# budget: 20 # the most US dollars that all rented machines may cost until the seats' end
# resume: false # new guests boot; default: they go on from the memory of one that has booted, which is faster
# state: s3://bucket/${name}?region=eu-central-1 # for several instructors on several computers: docs/classes.md
# hosts: # default: the daemons that \`trilab up\` would use
#   - name: lab1
#     docker: ssh://root@lab1
#     libvirt: qemu+ssh://root@lab1/system
#     seats: 12
`;

const ROSTER = `name,email,id
Learner One,learner1@example.org,learner-1
Learner Two,learner2@example.org,learner-2
`;

/**
 * Writes a class.yaml and a roster.csv into a folder. Returns their paths.
 *
 * @throws UserError (exit 2) when one of them exists.
 */
export async function writeNewClass(folder: string): Promise<[string, string]> {
  const dir = resolve(folder);
  await mkdir(dir, { recursive: true });
  const files = [
    [join(folder, "class.yaml"), classYaml(classNameOf(basename(dir)))],
    [join(folder, "roster.csv"), ROSTER],
  ] as const;
  for (const [file, text] of files) {
    try {
      await writeFile(file, text, { flag: "wx" });
    } catch (error) {
      if (!hasCode(error, "EEXIST")) throw error;
      throw new UserError(`${file} exists already`, {
        why: "class new does not overwrite a file",
        fix: "give another folder: trilab class new FOLDER",
        exitCode: ExitCode.usage,
      });
    }
  }
  return [files[0][0], files[1][0]];
}

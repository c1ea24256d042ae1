import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * The folder images/ of the checkout, where the recipe's own files are. tsc copies no such files to dist/,
 * so the compiled module looks upwards for them.
 */
const imagesDir = ((): string => {
  let dir = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(dir, "images", "recipe", "customize")) && dirname(dir) !== dir) dir = dirname(dir);
  return join(dir, "images");
})();

/** Files that go into the machine as they are. */
export const rootfsDir = join(imagesDir, "rootfs");
/** The script that turns bare packages into the machine, and its lists. */
export const recipeDir = join(imagesDir, "recipe");
/** What only the machines of a lab that names services have. */
export const servicesDir = join(imagesDir, "services");
/** The guest's initrd: its init and the list of its modules. */
export const initrdDir = join(imagesDir, "initrd");

let digest: string | undefined;

/** SHA-256 (hex) over names, x bits apart, and contents of the recipe's own files. Read once a process. */
export function recipeDigest(): string {
  digest ??= digestOf([rootfsDir, recipeDir, initrdDir]);
  return digest;
}

/** The same over what a lab with services adds: it changes no other lab's image. */
export const servicesDigest = (): string => digestOf([servicesDir]);

function digestOf(dirs: readonly string[]): string {
  const hash = createHash("sha256");
  for (const dir of dirs) {
    const files = readdirSync(dir, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort();
    for (const file of files) {
      const content = readFileSync(file);
      hash.update(`${relative(imagesDir, file)}\0${content.length}\0`).update(content);
    }
  }
  return hash.digest("hex");
}

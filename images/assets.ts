import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * The folder images/ of the checkout, with the recipe's own files. The compiler does not copy them to dist/, so the
 * compiled module searches the folders above it.
 */
const imagesDir = ((): string => {
  let dir = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(dir, "images", "recipe", "customize")) && dirname(dir) !== dir) dir = dirname(dir);
  return join(dir, "images");
})();

/** Files that are copied unchanged into the machine. */
export const rootfsDir = join(imagesDir, "rootfs");
/** The script that configures the installed packages, and its lists. */
export const recipeDir = join(imagesDir, "recipe");
/** Files that only machines with services (`machine.services` in lab.yaml) get. */
export const servicesDir = join(imagesDir, "services");
/** The guest's initrd: its init program and the list of its modules. */
export const initrdDir = join(imagesDir, "initrd");

let digest: string | undefined;

/** SHA-256 (hex) of the names and contents of the recipe's own files, without their modes. Computed once per process. */
export function recipeDigest(): string {
  digest ??= digestOf([rootfsDir, recipeDir, initrdDir]);
  return digest;
}

/** The same for the files that services need. Separate, so that they don't change the images of labs without services. */
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

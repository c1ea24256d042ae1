/**
 * What engine/ needs to install the stand-in where the engine looks for plugins: a launcher named `pulumi-resource-<name>`
 * that runs `node <main> "$@"`. Without imports, so that it loads fast.
 */
export const standIn = {
  name: "docker",
  version: "5.2.0",
  /** The compiled entry point, in the folder of this file's compiled form. */
  main: new URL("./main.js", import.meta.url),
} as const;

/**
 * What the engine room needs to put the stand-in where the engine looks for plugins: a launcher named
 * `pulumi-resource-<name>` that runs `node <main> "$@"`. Kept free of imports, so that reading it costs nothing.
 */
export const standIn = {
  name: "docker",
  version: "5.2.0",
  /** The compiled entry point, beside this file's compiled form. */
  main: new URL("./main.js", import.meta.url),
} as const;

/** What engine/ needs to install the stand-in where the engine looks for plugins. Without imports, so that it loads fast. */
export const standIn = {
  name: "aws",
  version: "7.48.0",
  /** The compiled entry point, in the folder of this file's compiled form. */
  main: new URL("./main.js", import.meta.url),
} as const;

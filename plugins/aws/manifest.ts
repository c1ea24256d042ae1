/** What the engine room needs to put the stand-in where the engine looks for plugins; free of imports. */
export const standIn = {
  name: "aws",
  version: "7.48.0",
  /** The compiled entry point, beside this file's compiled form. */
  main: new URL("./main.js", import.meta.url),
} as const;

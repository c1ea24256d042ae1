/**
 * What the user types to call us: `./trilab` as the start script was called, `trilab` where it is on the PATH. The script
 * says it in TRILAB_COMMAND.
 */
export const program = (): string => process.env.TRILAB_COMMAND || "trilab";

/** The commands that texts tell a reader to type. */
const CALL =
  /(^|[\s`(:])trilab(?= (?:up|down|status|extend|ssh|cp|logs|parity|predict|compare|report|cost|labs|images|reap|doctor|version|completion|test|--help)\b)/gm;

/** A text for people with each `trilab up …` in it as one would have to type it here. Pure but for the environment. */
export const asCalled = (text: string, name = program()): string =>
  name === "trilab" ? text : text.replace(CALL, (_, before: string) => `${before}${name}`);

/**
 * What the user types to run trilab: `./trilab`, or `trilab` if it is on the PATH. The start script passes it in
 * TRILAB_COMMAND.
 */
export const program = (): string => process.env.TRILAB_COMMAND || "trilab";

/** Commands of trilab in texts. */
const CALL =
  /(^|[\s`(:])trilab(?= (?:up|down|status|extend|ssh|cp|logs|guide|check|hint|answer|submit|grade|grades|parity|predict|compare|report|cost|labs|images|reap|doctor|version|completion|test|--help)\b)/gm;

/** Replaces each `trilab up …` in a text with what the user has to type here. Pure except for the environment. */
export const asCalled = (text: string, name = program()): string =>
  name === "trilab" ? text : text.replace(CALL, (_, before: string) => `${before}${name}`);

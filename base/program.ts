/**
 * What the user types to run trilab: `./trilab`, or `trilab` if it is on the PATH. The start script passes it in
 * TRILAB_COMMAND.
 */
export const program = (): string => process.env.TRILAB_COMMAND || "trilab";

/** The words that follow the program's name in texts: its commands, and what the start script adds. */
const COMMAND_WORDS = [
  ...[
    "up",
    "down",
    "status",
    "extend",
    "ssh",
    "run",
    "start",
    "stop",
    "restart",
    "resize",
    "reset",
    "snapshot",
  ],
  ...["cp", "logs", "guide", "check", "hint", "answer", "submit", "grade", "grades", "parity", "predict"],
  ...[
    "compare",
    "report",
    "cost",
    "labs",
    "images",
    "reap",
    "doctor",
    "version",
    "claims",
    "class",
    "completion",
    "test",
    "--help",
  ],
];
const CALL = new RegExp(`(^|[\\s\`(:])trilab(?= (?:${COMMAND_WORDS.join("|")})\\b)`, "gm");

/** Replaces each `trilab up …` in a text with what the user has to type here. Pure except for the environment. */
export const asCalled = (text: string, name = program()): string =>
  name === "trilab" ? text : text.replace(CALL, (_, before: string) => `${before}${name}`);

import { createInterface } from "node:readline/promises";
import { stripVTControlCharacters, styleText } from "node:util";
import { ExitCode, UserError } from "../base/errors.js";
import { asCalled } from "../base/program.js";
import { wrapLine } from "../base/wrap.js";
import type { Context, Style } from "./context.js";
import { lineFollow, terminalFollow } from "./show-progress.js";

type Format = Parameters<typeof styleText>[0];

/** Output for a terminal or a log: data on standard output, everything else on standard error. */
export function terminalContext(json: boolean, signal: AbortSignal): Context {
  const { stderr, stdout } = process;
  const drawn = stderr.isTTY && process.env.TERM !== "dumb" && process.env.CI === undefined;
  const tell = (line: string): void => {
    stderr.write(`${forPeople(line, stderr)}\n`);
  };
  return {
    json,
    tell,
    print: (line) => {
      stdout.write(`${json ? line : forPeople(line, stdout)}\n`);
    },
    async confirm(question) {
      const answer = await ask(`${question} [Y/n]`);
      return answer === undefined ? undefined : /^(y|yes|)$/i.test(answer);
    },
    ask,
    follow: drawn ? terminalFollow(stderr, tell) : lineFollow(tell),
    signal,
    screen: stdout.isTTY ? { columns: stdout.columns, rows: stdout.rows } : undefined,
    style: style(!json && (isColoured(stderr) || isColoured(stdout))),
  };
}

const isColoured = (stream: NodeJS.WriteStream): boolean =>
  stream.isTTY && !process.env.NO_COLOR && process.env.TERM !== "dumb";

/**
 * Text with the commands in it as the user types them; on a terminal, wrapped at its width. One of the two streams may be a
 * terminal and the other a file, which gets no colours.
 */
function forPeople(text: string, stream: NodeJS.WriteStream): string {
  const named = asCalled(isColoured(stream) ? text : stripVTControlCharacters(text));
  const width = stream.isTTY ? stream.columns : 0;
  return width > 0
    ? named
        .split("\n")
        .flatMap((line) => wrapLine(line, width))
        .join("\n")
    : named;
}

/** One trimmed line from the terminal. */
async function ask(question: string): Promise<string | undefined> {
  const { stderr, stdin } = process;
  if (!stdin.isTTY || !stderr.isTTY) return undefined;
  const lines = createInterface({ input: stdin, output: stderr });
  try {
    return await new Promise<string>((resolve, reject) => {
      lines.once("close", () =>
        reject(new UserError("no answer was given", { exitCode: ExitCode.interrupted })),
      );
      lines.question(`${question} `).then((line) => resolve(line.trim()), reject);
    });
  } finally {
    lines.close();
  }
}

/** Styles with colours, or styles that leave text unchanged. */
function style(coloured: boolean): Style {
  const as = (format: Format) => (text: string) =>
    coloured ? styleText(format, text, { validateStream: false }) : text;
  return { bold: as("bold"), dim: as("dim"), good: as("green"), bad: as("red"), warn: as("yellow") };
}

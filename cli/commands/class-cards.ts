import { hostname } from "node:os";
import { classMeant, classPositional } from "../class-meant.js";
import { report } from "../context.js";
import { defineCommand, text } from "../define-command.js";
import { numberOption } from "../number-option.js";

const DEFAULT_PORT = 2222;
const PORT = { least: 1, most: 65_535, whole: true, what: "a port", example: String(DEFAULT_PORT) };

export const classCards = defineCommand({
  usage: "cards <folder> [class]",
  description: "write a folder for each learner: the key, and how to get in by SSH; see class serve",
  positionals: {
    folder: { type: "string", demandOption: true, describe: "a new folder" },
    ...classPositional,
  },
  options: {
    host: {
      type: "string",
      describe: "the name or address under which learners reach this host; default: its name",
    },
    port: { type: "string", default: String(DEFAULT_PORT), describe: "the port of class serve" },
  },
  handler: async (args, ctx) => {
    const port = numberOption(args, "port", PORT) ?? DEFAULT_PORT;
    const record = await classMeant(args);
    const { writeCards } = await import("../../classes/cards.js");
    const { exitCodeOf, problemOf } = await import("../../classes/each-seat.js");
    const { entryKey } = await import("../../classes/ssh-entry.js");
    const hostKey = (await entryKey()).publicKey;
    const folder = text(args, "folder") ?? "";
    const ends = await writeCards(record, folder, { host: text(args, "host") ?? hostname(), port, hostKey });
    const cards = ends.flatMap(({ end }) => (end.state === "done" ? [end.result] : []));
    const failed = ends.flatMap(({ end, member: { seat } }) => {
      const problem = problemOf(end);
      return problem === undefined ? [] : [{ seat, problem }];
    });
    report(ctx, "class-cards", { class: record.name, cards, failed }, () => [
      ...failed.map(({ problem, seat }) => ctx.style.bad(`${seat}: ${problem}`)),
      `wrote ${cards.length} cards into ${folder}; give each learner one folder, and remove them afterwards: they hold private keys`,
      `to let the learners in: trilab class serve ${record.name} --listen 0.0.0.0:${port}`,
    ]);
    return exitCodeOf(ends);
  },
});

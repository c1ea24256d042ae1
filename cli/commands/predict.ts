import { ALL_FLAGS, askGuesses, guessOptions } from "../ask-guesses.js";
import { type Context, columns, report } from "../context.js";
import { type Args, defineCommand, labAndSeatOptions, text } from "../define-command.js";
import { resolveSeat } from "../seat-meant.js";

export const predict = defineCommand({
  usage: "predict",
  description: "guess what compare will measure, before it does, in four questions",
  options: {
    ...labAndSeatOptions,
    ...guessOptions,
  },
  examples: [
    ["trilab predict", "asks one question after the other"],
    [ALL_FLAGS, "asks nothing"],
  ],
  handler: makePrediction,
});

async function makePrediction(args: Args, ctx: Context): Promise<undefined> {
  const record = await resolveSeat(text(args, "lab"), text(args, "seat"));
  const prediction = await askGuesses(args, ctx);
  const { savePrediction } = await import("../../report/prediction-file.js");
  await savePrediction(record, prediction);
  report(ctx, "prediction", { lab: record.lab, seat: record.seat, ...prediction }, () => [
    ctx.style.bold(`Your guesses, seat ${record.seat} of lab ${record.lab}`),
    ...columns([
      ["  start", `the guest takes ${prediction.startRatio}× as long`],
      ["  memory", `the guest costs ${prediction.memoryRatio}× as much`],
      [
        "  duel",
        prediction.duelLoser === "neither" ? "neither suffers" : `the ${prediction.duelLoser} suffers more`,
      ],
      ["  density", `${prediction.guestsThatFit} more guests fit`],
    ]),
    "Now measure: trilab compare",
  ]);
  return undefined;
}

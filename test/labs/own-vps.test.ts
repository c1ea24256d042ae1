import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { repoDir } from "../../base/paths.js";
import { loadLab } from "../../labs/load-lab.js";
import { type PriceTable, quote } from "../../model/prices.js";
import { rentalFor } from "../../seats/rental.js";

/** answer.sh runs in the VPS, where it can't read the table of prices. */
it("the lab own-vps judges the price by the table of prices", async () => {
  const lab = await loadLab("own-vps");
  const script = await readFile(join(lab.dir, "tasks/price/answer.sh"), "utf8");
  const hourly = Number(/days \* 24 \* ([\d.]+)/.exec(script)?.[1]);
  const table = JSON.parse(await readFile(join(repoDir, "model/prices.json"), "utf8")) as PriceTable;
  const { perHour } = quote(table, rentalFor(lab, "us-east-1", undefined));
  expect(hourly).toBeCloseTo(perHour?.total ?? 0, 4);
});

import { type Claim, type ClaimPart, type ClaimPlace, FACTS, type FactName } from "../labs/claims.js";
import { formatSize } from "../model/units.js";
import type { Fact, ProbeResult, RunDocument, Series } from "../probes/run-document.js";
import type { SeatFacts } from "../seats/claim-facts.js";
import { figureOf, probeOf, seriesOf } from "./figures.js";
import { formatFactor, formatInterval, formatQuantity, shortCertainty } from "./quantity.js";
import { type Interval, MIN_FOR_DIFFERENCE, ratioOfMedians } from "./statistics.js";

/** What is known of a seat: facts that were read, and the run of `compare` if they are from one. Newest first in a list. */
export interface Evidence {
  facts: SeatFacts;
  /** Absent: the facts were read just now. */
  run?: RunDocument;
}

/** `open`: there are figures, but they do not decide. `missing`: there are none that may decide. */
export type PartOutcome = "true" | "false" | "open" | "missing";

/** One part of a claim, judged. */
export interface JudgedPart {
  what: string;
  outcome: PartOutcome;
  /** The facts or figures, in words; empty if there are none. */
  figures: string;
  /** Why it is open or missing; else empty. */
  why: string;
  /** The probe that decides it; absent: the seat's facts. */
  probe?: string;
}

export type ClaimVerdict = "holds" | "does-not-hold" | "depends" | "not-measured";

/** A claim, judged by what is known of one seat. */
export interface JudgedClaim {
  id: string;
  claim: string;
  source: Claim["source"];
  verdict: ClaimVerdict;
  parts: JudgedPart[];
  /** Why the claim is wrong or half right, if it is so here. */
  explanation?: string;
  /** Why it was not measured, if no part says it. */
  why?: string;
  /** What would measure it, if it was not measured. */
  measure?: string;
}

export const VERDICT_WORDS: Readonly<Record<ClaimVerdict, string>> = {
  holds: "holds",
  "does-not-hold": "does not hold",
  depends: "depends",
  "not-measured": "not measured here",
};

/** Where one reads a claim, and who published figures about it. */
export const sourceWords = ({ kind, document }: Claim["source"]): string =>
  document === undefined ? kind : `${kind}; published figures: ${document}`;

/**
 * Judges claims. Each part is decided by the newest evidence that has its facts or figures. A run that ended early, a figure that
 * is not representative, and too few runs decide nothing. Pure.
 */
export const judgeClaims = (claims: readonly Claim[], evidence: readonly Evidence[]): JudgedClaim[] =>
  claims.map((claim) => judgeClaim(claim, evidence));

/** How many claims have each verdict. */
export function countVerdicts(judged: readonly JudgedClaim[]): Record<ClaimVerdict, number> {
  const count = { holds: 0, "does-not-hold": 0, depends: 0, "not-measured": 0 };
  for (const { verdict } of judged) count[verdict] += 1;
  return count;
}

function judgeClaim(claim: Claim, evidence: readonly Evidence[]): JudgedClaim {
  const parts = claim.parts.map((part) => judgePart(part, evidence));
  const verdict = verdictOf(parts.map(({ outcome }) => outcome));
  const isWrong = parts.some(({ outcome }) => outcome === "false");
  return {
    id: claim.id,
    claim: claim.claim,
    source: claim.source,
    verdict,
    parts,
    ...(claim.explain !== undefined && isWrong ? { explanation: claim.explain } : {}),
    ...(claim.unmeasured === undefined ? {} : { why: claim.unmeasured }),
    ...(verdict === "not-measured" ? { measure: claim.measure ?? commandFor(parts) } : {}),
  };
}

/** True and false parts make a claim half right, whatever the others are. Else a part that is missing leaves it undecided. */
function verdictOf(outcomes: readonly PartOutcome[]): ClaimVerdict {
  const has = (outcome: PartOutcome): boolean => outcomes.includes(outcome);
  if (has("true") && has("false")) return "depends";
  if (has("missing") || outcomes.length === 0) return "not-measured";
  if (has("open")) return "depends";
  return has("true") ? "holds" : "does-not-hold";
}

/** The command that measures what is missing. */
function commandFor(parts: readonly JudgedPart[]): string {
  const missing = parts.filter(({ outcome }) => outcome === "missing");
  const probes = [...new Set(missing.flatMap(({ probe }) => probe ?? []))];
  return probes.length > 0
    ? `trilab compare --probes ${probes.join(",")}`
    : "trilab up --on container,guest; then trilab claims";
}

const judgePart = (part: ClaimPart, evidence: readonly Evidence[]): JudgedPart => {
  const probe = part.probe ?? part.metric?.split(".")[0];
  const found = part.metric === undefined ? judgeFact(part, evidence) : judgeMetric(part, evidence);
  return { what: part.what, ...found, ...(probe === undefined ? {} : { probe }) };
};

type Found = Pick<JudgedPart, "outcome" | "figures" | "why">;

const missing = (why: string, figures = ""): Found => ({ outcome: "missing", figures, why });
const decided = (isTrue: boolean, figures: string): Found => ({
  outcome: isTrue ? "true" : "false",
  figures,
  why: "",
});

/** The runs that ended as planned, newest first. */
const finished = (evidence: readonly Evidence[]): RunDocument[] =>
  evidence.flatMap(({ run }) => (run && !run.partial ? [run] : []));

/** Reads a fact in a place; `undefined`: it is not known. */
type Reader = (fact: string, place: ClaimPlace) => string | undefined;

/** Where a part's facts are, newest first: what was read of the seat, or what a probe found. */
function readers({ probe }: ClaimPart, evidence: readonly Evidence[]): Reader[] {
  if (probe === undefined)
    return evidence.map(
      ({ facts }) =>
        (fact, place) =>
          valueIn(facts[fact as FactName], place),
    );
  return finished(evidence)
    .flatMap((run) => probeOf(run, probe) ?? [])
    .map(
      ({ facts }) =>
        (fact, place) =>
          valueIn(facts.find(({ title }) => title === fact)?.values, place),
    );
}

/** A probe writes a question mark for what it could not read. */
function valueIn(values: Readonly<Record<string, string | undefined>> = {}, place: ClaimPlace) {
  const value = values[place];
  return value?.includes("?") ? undefined : value;
}

function judgeFact(part: ClaimPart, evidence: readonly Evidence[]): Found {
  const name = part.fact ?? "";
  const pairs = pairsOf(part, name);
  const sources = readers(part, evidence);
  for (const read of sources) {
    const values = pairs.map(([fact, place]) => read(fact, place));
    if (values.every((value) => value !== undefined)) return judgeValues(part, pairs, values);
  }
  const [newest] = sources;
  if (newest === undefined && part.probe !== undefined) return missing(notMeasured(evidence, part.probe));
  const [fact, place] = pairs.find((pair) => newest?.(...pair) === undefined) ?? [name, part.of];
  return missing(`"${titleOf(fact)}" of the ${place} is not known`);
}

function judgeValues(part: ClaimPart, pairs: readonly Pair[], values: readonly string[]): Found {
  const [first = "", second = ""] = values;
  const names = new Set(pairs.map(([name]) => name));
  const said = pairs.map(([name, place], i) => {
    const value = shown(name, values[i] ?? "");
    return names.size > 1 ? `${titleOf(name)}: ${value}` : `${place} ${value}`;
  });
  const figures = names.size > 1 ? said.join(", ") : `${titleOf(part.fact ?? "")}: ${said.join(", ")}`;
  if (part.is !== undefined) return decided(first === part.is, figures);
  if (part.not !== undefined) return decided(first !== part.not, figures);
  if (part.same) return decided(new Set(values).size === 1, figures);
  if (part.differ) return decided(new Set(values).size === values.length, figures);
  const quotient = Number(first) / (pairs.length > 1 ? Number(second) : 1);
  if (!Number.isFinite(quotient)) return missing("a fact is not a number", figures);
  const ratio = pairs.length > 1 ? `${formatFactor(quotient)} (${figures})` : figures;
  // A fact is read, not sampled: it has no interval.
  return judgeRange(part, { low: quotient, high: quotient }, ratio);
}

/** A fact of the seat; `undefined`: one of a probe, whose name is its title. */
const factNamed = (name: string): { title: string; unit?: "bytes" } | undefined =>
  name in FACTS ? FACTS[name as FactName] : undefined;

const titleOf = (fact: string): string => factNamed(fact)?.title ?? fact;

function shown(fact: string, value: string): string {
  if (factNamed(fact)?.unit === "bytes") return formatSize(Number(value));
  return fact === "boot" ? `${value.slice(0, 8)}…` : value;
}

/** What a part needs: a fact or a metric, in a place. */
type Pair = readonly [name: string, place: ClaimPlace];

function pairsOf({ differ, of, per, ratio, same }: ClaimPart, name: string): Pair[] {
  const places = of === undefined ? (same ?? differ ?? (ratio?.split("/") as ClaimPlace[])) : [of];
  const pairs = places.map((place): Pair => [name, place]);
  return per === undefined || of === undefined ? pairs : [...pairs, [per, of]];
}

/** Why there is no figure of a probe. */
function notMeasured(evidence: readonly Evidence[], id: string): string {
  const [run] = evidence.flatMap((one) => one.run ?? []);
  const probe = run && probeOf(run, id);
  if (run === undefined) return "this seat has no finished run of compare";
  if (run.partial && finished(evidence).length === 0) return "the run ended early";
  return probe === undefined
    ? `no finished run has the probe ${id}`
    : probe.note || "the probe has no figure";
}

/** The series of a part: the value, and what it is divided by, if it is. `undefined` where the run has none. */
const seriesFor = (part: ClaimPart, probe: ProbeResult): (Series | undefined)[] =>
  pairsOf(part, part.metric?.split(".")[1] ?? "").map(([metric, place]) =>
    place === "host" ? undefined : seriesOf(probe, metric, place),
  );

function judgeMetric(part: ClaimPart, evidence: readonly Evidence[]): Found {
  const id = part.metric?.split(".")[0] ?? "";
  for (const run of finished(evidence)) {
    const probe = probeOf(run, id);
    if (probe === undefined) continue;
    if (part.works) {
      const found = judgeWorks(part, run, probe);
      if (found !== undefined) return found;
      continue;
    }
    const series = seriesFor(part, probe);
    if (series.every((one) => one !== undefined)) return judgeSeries(part, run, probe, series);
  }
  return missing(notMeasured(evidence, id));
}

/** The refusals that come from how trilab defined the guest (`cannotBecome` in drivers/libvirt/resize-guest.ts). */
const OWN_LIMIT = /: cannot: (its definition lets it|no balloon device)/;

/** Whether a fact is about a metric. In older runs, only the title says it: "memory from 512MiB to 384MiB", "CPU time or CPUs". */
const isAbout = (fact: Fact, metric: string): boolean =>
  fact.metric === undefined
    ? fact.title.toLowerCase().includes(metric.replace(/s$/, ""))
    : fact.metric === metric;

/** Whether the probe could do what it tried. `undefined`: it did not try it there. */
function judgeWorks(part: ClaimPart, run: RunDocument, probe: ProbeResult): Found | undefined {
  const [series] = seriesFor(part, probe);
  const figure = series && figureOf(run, probe.id, series);
  if (series && figure)
    return decided(true, `${series.target}: seen inside after ${formatQuantity(figure.median, series.unit)}`);
  const metric = part.metric?.split(".")[1] ?? "";
  const said = probe.facts.flatMap((fact) => {
    const value = part.of && isAbout(fact, metric) ? valueIn(fact.values, part.of) : undefined;
    return value === undefined || value.startsWith("changed") ? [] : [`${fact.title}: ${value}`];
  });
  if (said.length === 0) return undefined;
  if (said.some((text) => OWN_LIMIT.test(text)))
    return missing(
      "trilab's own definition of the machine sets this limit, so it says nothing about virtual machines",
      said.join("; "),
    );
  // What was accepted, but not seen in time, may only be slow; and QEMU's emulation can fail where KVM does not.
  const isRefused = said.some((text) => text.includes(": cannot: "));
  if (isRefused && !isEmulated(run, part.of)) return decided(false, said.join("; "));
  return missing(
    isRefused ? "the guest is emulated, so its hypervisor may be the reason" : "it may only be slow",
    said.join("; "),
  );
}

function judgeSeries(
  part: ClaimPart,
  run: RunDocument,
  probe: ProbeResult,
  series: readonly Series[],
): Found {
  const [above, below] = series;
  if (above === undefined) return missing("the part names no series");
  const doubtful = series.find((one) => !one.representative);
  const measured = below === undefined ? ofOne(run, probe, above) : ofTwo(run, probe, above, below);
  if (measured === undefined) return missing("a median is zero, so there is no quotient");
  if (doubtful)
    return missing(`${doubtful.target}: ${doubtful.note || "not representative"}`, measured.figures);
  const range = widened(measured.interval, run, probe, above, below);
  const found = judgeRange(part, range, measured.figures);
  if (found.outcome === "open") {
    const isMeasured = judgeRange(part, measured.interval, "").outcome !== "open";
    return isMeasured ? { ...found, why: `on the emulation: ${emulationWords(run, probe, series)}` } : found;
  }
  const few = Math.min(...series.map(({ samples }) => samples.length));
  if (!isTimed(above) || few >= MIN_FOR_DIFFERENCE || isFarFrom(part, range)) return found;
  return missing(`${few} run${few > 1 ? "s are" : " is"} too few to decide`, measured.figures);
}

interface Measured {
  interval: Pick<Interval, "low" | "high">;
  figures: string;
}

function ofOne(run: RunDocument, probe: ProbeResult, series: Series): Measured | undefined {
  const figure = figureOf(run, probe.id, series);
  if (figure === undefined) return undefined;
  const spread = figure.max > figure.min ? ` (${formatInterval(figure.interval, series.unit)})` : "";
  return {
    interval: figure.interval,
    figures: `${series.target}, ${series.title}: ${formatQuantity(figure.median, series.unit)}${spread}`,
  };
}

function ofTwo(run: RunDocument, probe: ProbeResult, above: Series, below: Series): Measured | undefined {
  const seed = `${run.id} ${probe.id} ${above.metric} ${above.target} ${below.metric} ${below.target}`;
  const ratio = ratioOfMedians(above.samples, below.samples, seed);
  const [a, b] = [figureOf(run, probe.id, above), figureOf(run, probe.id, below)];
  if (a === undefined || b === undefined) return undefined;
  const nameIn = (one: Series): string => (above.target === below.target ? one.title : one.target);
  const medians = `${nameIn(above)} ${formatQuantity(a.median, above.unit)}, ${nameIn(below)} ${formatQuantity(b.median, below.unit)}`;
  if (ratio === undefined) {
    // Something compared with nothing, or nothing with something.
    const quotient =
      a.min > 0 && b.max === 0 ? Number.POSITIVE_INFINITY : a.max === 0 && b.min > 0 ? 0 : undefined;
    return quotient === undefined
      ? undefined
      : { interval: { low: quotient, high: quotient }, figures: medians };
  }
  const certainty = shortCertainty(ratio);
  return {
    interval: ratio.interval,
    figures: `${formatFactor(ratio.value)}${certainty ? `, ${certainty}` : ""} (${medians})`,
  };
}

/** MiB. QEMU's emulation keeps up to so much translated code, which it would not have with KVM. */
const CODE_CACHE = 128;

const isEmulated = (run: RunDocument, place: ClaimPlace | undefined): boolean =>
  run.emulated && (place === "guest" || (place === "vps" && run.vps?.cloud !== "aws"));

/** How emulation changes a series: `slower`, or its memory is more by `cache`. */
function emulationOf(run: RunDocument, probe: ProbeResult, series: Series): "slower" | "cache" | undefined {
  if (!isEmulated(run, series.target)) return undefined;
  if (isTimed(series)) return "slower";
  const costs = { memory: ["idle", "touched", "kept"], density: ["memory"] }[probe.id];
  return costs?.includes(series.metric) ? "cache" : undefined;
}

function emulationWords(run: RunDocument, probe: ProbeResult, series: readonly Series[]): string {
  return series.some((one) => emulationOf(run, probe, one) === "slower")
    ? "the guest's processor is emulated, so its time is an upper limit; with KVM it is shorter"
    : `up to ${CODE_CACHE}\u00a0MiB of the guest's memory are the emulator's`;
}

const isTimed = ({ unit }: Series): boolean => ["s", "ms", "us", "ns", "1/s", "MiB/s"].includes(unit);

/**
 * The interval with what is not known because of emulation: a guest that computes on a CPU takes less time and less memory, but
 * nobody can say how much less. Pure.
 */
function widened(
  { low, high }: Measured["interval"],
  run: RunDocument,
  probe: ProbeResult,
  above: Series,
  below: Series | undefined,
): Measured["interval"] {
  /** The factors of the least and the greatest true value. */
  const factors = (series: Series | undefined): [number, number] => {
    const changed = series && emulationOf(run, probe, series);
    if (series === undefined || changed === undefined) return [1, 1];
    // A throughput can only be higher.
    if (changed === "slower") return series.unit.endsWith("/s") ? [1, Number.POSITIVE_INFINITY] : [0, 1];
    return [Math.max(0, 1 - CODE_CACHE / Math.min(...series.samples)), 1];
  };
  const [[least, most], [leastBelow, mostBelow]] = [factors(above), factors(below)];
  // Nothing times infinity is not a number.
  const isBoundless = leastBelow === 0 || most === Number.POSITIVE_INFINITY;
  return {
    low: least === 0 ? 0 : (low * least) / mostBelow,
    high: isBoundless ? Number.POSITIVE_INFINITY : (high * most) / leastBelow,
  };
}

/** Few runs decide only if all of them are at least this many times as far as the threshold. */
const FAR = 2;

function isFarFrom({ over, under }: ClaimPart, { low, high }: Measured["interval"]): boolean {
  const threshold = over ?? under ?? Number.NaN;
  return low > threshold * FAR || high < threshold / FAR;
}

/** Compares a whole interval with the threshold. Pure. */
export function judgeRange(
  { over, under }: Pick<ClaimPart, "over" | "under">,
  { low, high }: Measured["interval"],
  figures: string,
): Found {
  const threshold = over ?? under ?? Number.NaN;
  if (over !== undefined && low > over) return decided(true, figures);
  if (over !== undefined && high <= over) return decided(false, figures);
  if (under !== undefined && high < under) return decided(true, figures);
  if (under !== undefined && low >= under) return decided(false, figures);
  return { outcome: "open", figures, why: `the interval contains the limit, ${threshold}` };
}

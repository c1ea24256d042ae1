import type { ProbeResult, RunDocument } from "../probes/run-document.js";
import {
  baselineOf,
  type Comparison,
  controlOf,
  DENSITY_FIT,
  duelLoser,
  type Fit,
  figureOf,
  fitOf,
  hasRatio,
  headlineMetric,
  headlineOf,
  isMisleading,
  isOwnHeadline,
  probeOf,
  seriesOf,
  sidesOf,
  sufferings,
  TOLERANCE,
  worstOfEach,
} from "./figures.js";
import {
  formatFactor,
  formatLoss,
  formatNumber,
  formatQuantity,
  lossCertainty,
  shortCertainty,
} from "./quantity.js";
import { shortTitle } from "./shown-runs.js";
import { differs, excludes, inverted, isConclusive, type Ratio } from "./statistics.js";

/** One conclusion in words, and its source. */
export interface Statement {
  /** The figure to print large: `21×`. Empty if there is none. */
  figure: string;
  text: string;
  /** Where the figure comes from: probe, metric, samples per side. */
  trace: { probe: string; metric: string; n: string };
  /** How sure a ratio is: its interval or extremes. */
  certainty?: string | undefined;
  /** What limits the statement. A page shows each once, as a footnote. */
  notes?: readonly string[];
}

/** What no conclusion uses: not representative, or not measured. */
export interface LeftOut {
  why: string;
  probes: string[];
}

export interface RunSummary {
  statements: Statement[];
  leftOut: LeftOut[];
}

/** The sentence for a probe: `more` is the side with the larger cost or time, `less` the other. Begins without a capital. */
const WORDS: Readonly<Record<string, (more: string, less: string, times: string) => string>> = {
  start: (more, less, times) =>
    `a ${more} took ${times} as long as a ${less} from the call to the first command answered`,
  stop: (more, less, times) =>
    `a ${more} took ${times} as long as a ${less} from the call to stop until it was off`,
  memory: (more, less, times) => `an idle ${more} cost the host ${times} the memory of an idle ${less}`,
  moving: (more, less, times) =>
    `moving a ${more} to another place took ${times} as long as moving a ${less}`,
  disk: (more, less, times) => `the ${more}'s own disk use was ${times} that of the ${less}`,
};

const SLOWER = "its processor is emulated; with KVM it would be faster";

/** How emulation changes figures that conclusions use nevertheless. */
const EMULATED: Readonly<Record<string, string>> = {
  start: SLOWER,
  stop: SLOWER,
  moving: SLOWER,
  memory: "up to 128\u00a0MiB of its memory are the emulator's cache of translated code",
  density:
    "its memory includes the emulator's cache, up to 128\u00a0MiB; its CPU time is not counted, a container's is",
};

/** `emulated guest: …`, if the probe's figure would differ with KVM. */
export function emulationCaveat(run: RunDocument, probe: string): string | undefined {
  const caveat = run.emulated && run.targets.includes("guest") ? EMULATED[probe] : undefined;
  return caveat && `emulated guest: ${caveat}`;
}

/** The run in words. Every statement is computed from its figures. */
export function summarizeRun(run: RunDocument): RunSummary {
  const statements: Statement[] = [];
  for (const probe of run.probes.filter(hasRatio)) {
    const headline = headlineOf(run, probe.id);
    // The question of every lab: it always has its figure.
    const isAsked = probe.id === "start";
    if (headline && (headline.representative || isAsked))
      statements.push(probe.control ? controlStatement(headline) : versus(run, headline));
    else if (headline === undefined) statements.push(...withoutRatio(run, probe));
    const baseline = probe.control ? baselineOf(run, probe) : undefined;
    if (baseline?.representative) statements.push(controlStatement(baseline));
  }
  statements.push(...containerCost(run));
  statements.push(...isolationStatements(run));
  statements.push(...duelStatements(run), ...densityStatements(run));
  return { statements, leftOut: leftOut(run) };
}

/** The probes that the headline names, and how. */
const HEADLINES: readonly (readonly [id: string, words: (times: string) => string])[] = [
  ["start", (times) => `took ${times} as long to start`],
  ["memory", (times) => `cost ${times} the memory`],
];

/** What was found, in one sentence. */
export function headlineSentence(run: RunDocument): string {
  let onlyHere = false;
  const found = HEADLINES.flatMap(([id, words]) => {
    const headline = headlineOf(run, id);
    if (headline === undefined || isMisleading(headline) || !excludes(headline.ratio.interval, 1)) return [];
    if (!headline.representative && id !== "start") return [];
    if (!differs(headline.ratio)) onlyHere = true;
    return [
      `${words(formatFactor(headline.ratio.value))}${headline.representative ? "" : " (not representative)"}`,
    ];
  });
  const cpu = headlineOf(run, "cpu");
  const speed =
    cpu === undefined
      ? ""
      : cpu.representative
        ? `computed at ${formatNumber(Math.round(cpu.ratio.value * 100))}\u00a0% of its speed`
        : "";
  const parts = [...found, speed].filter(Boolean);
  if (parts.length === 0) return "";
  const list = parts.length > 1 ? `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}` : parts[0];
  const emulated = run.emulated && run.targets.includes("guest") ? "emulated " : "";
  return `${onlyHere ? "In this run, compared" : "Compared"} with the container, the ${emulated}guest ${list}.`;
}

/** The cost or time above, divided by that below. Throughputs are inverted, so more always means more expensive. */
export const costRatio = ({ ratio, above }: Comparison): Ratio =>
  above.better === "higher" ? inverted(ratio) : ratio;

const traceOf = ({ probe, metric, above, below }: Comparison): Statement["trace"] => ({
  probe: probe.id,
  metric,
  n: `${below.samples.length} + ${above.samples.length}`,
});

const medians = ({ medians, above, below }: Comparison): string =>
  `${above.target} ${formatQuantity(medians.above, above.unit)}, ${below.target} ${formatQuantity(medians.below, below.unit)}`;

/** Says which target needed more, and how many times or by how much; or that no difference was shown. */
function versus(run: RunDocument, comparison: Comparison): Statement {
  const { probe, metric, above } = comparison;
  const cost = costRatio(comparison);
  const name = probe.series.find((s) => s.metric === metric)?.title ?? metric;
  const heading = `${shortTitle(probe.title)} (${name}): `;
  const common = {
    trace: traceOf(comparison),
    notes: [...notesOf(comparison), emulationCaveat(run, probe.id)].filter((note) => note !== undefined),
  };
  if (!excludes(cost.interval, 1)) {
    return {
      ...common,
      figure: isConclusive(cost) ? "≈" : "?",
      text: `${heading}no difference between guest and container was shown (${medians(comparison)}).${tooFew(cost)}`,
      certainty: shortCertainty(cost),
    };
  }
  const dearer = cost.value >= 1 ? cost : inverted(cost);
  const [more, less] = cost.value >= 1 ? ["guest", "container"] : ["container", "guest"];
  const inThisRun = differs(cost) ? "" : "in this run ";
  if (isMisleading(comparison)) {
    const difference = formatQuantity(
      Math.abs(comparison.medians.above - comparison.medians.below),
      above.unit,
    );
    return {
      ...common,
      figure: `+${difference}`,
      text: `${heading}${inThisRun}the ${more} needed ${difference} more than the ${less} (${medians(comparison)}).`,
    };
  }
  const times = formatFactor(dearer.value);
  const words = isOwnHeadline(probe, metric) ? WORDS[probe.id] : undefined;
  const claim = words
    ? words(more, less, times)
    : above.better === "higher"
      ? `a ${less} did ${times} what a ${more} did`
      : `a ${more} needed ${times} what a ${less} needed`;
  const sentence = `${inThisRun}${claim} (${medians(comparison)}).`;
  return {
    ...common,
    figure: times,
    text: words ? capital(sentence) : heading + sentence,
    certainty: shortCertainty(dearer),
  };
}

/** Why a comparison is not representative: each side's note once. */
const notesOf = ({ above, below }: Comparison): string[] => [
  ...new Set(
    [above, below]
      .filter((s) => !s.representative)
      .map((s) => `${s.target}: ${s.note || "not representative"}`),
  ),
];

const tooFew = (ratio: Ratio): string => (isConclusive(ratio) ? "" : " Too few runs to conclude.");

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** Both were measured, but there is no ratio because one is zero. */
function withoutRatio(run: RunDocument, probe: ProbeResult): Statement[] {
  const both = bothFigures(run, probe, headlineMetric(probe));
  if (both === undefined || !both.representative) return [];
  const { container, guest, unit, title, trace } = both;
  const text = `${shortTitle(probe.title)} (${title}): guest ${formatQuantity(guest, unit)}, container ${formatQuantity(container, unit)}; no ratio, because one of them is zero.`;
  return [{ figure: "∅", text, trace }];
}

function isolationStatements(run: RunDocument): Statement[] {
  const probe = probeOf(run, "isolation");
  const both = probe && bothFigures(run, probe, headlineMetric(probe));
  if (!both?.representative) return [];
  const { container, guest, unit, title, trace } = both;
  const text = `Isolation, ${title}: ${formatQuantity(container, unit)} in the container, ${formatQuantity(guest, unit)} in the guest.`;
  return [{ figure: `${formatNumber(container)} : ${formatNumber(guest)}`, text, trace }];
}

function bothFigures(run: RunDocument, probe: ProbeResult, metric: string | undefined) {
  if (metric === undefined) return undefined;
  const [c, g] = [seriesOf(probe, metric, "container"), seriesOf(probe, metric, "guest")];
  const container = c && figureOf(run, probe.id, c);
  const guest = g && figureOf(run, probe.id, g);
  if (c === undefined || g === undefined || container === undefined || guest === undefined) return undefined;
  return {
    container: container.median,
    guest: guest.median,
    unit: c.unit,
    title: c.title,
    representative: c.representative && g.representative,
    trace: { probe: probe.id, metric, n: `${container.n} + ${guest.n}` },
  };
}

/** What a container costs: all probes that a plain process on the host ran, too. The control is judged by itself. */
function containerCost(run: RunDocument): Statement[] {
  const all = run.probes
    .filter((probe) => hasRatio(probe) && !probe.control)
    .flatMap((probe) => baselineOf(run, probe) ?? [])
    .filter((comparison) => comparison.representative)
    .map((comparison) => ({ comparison, cost: costRatio(comparison) }));
  const [some] = all;
  if (some === undefined) return [];
  const shown = all
    .filter(({ cost }) => excludes(cost.interval, 1))
    .sort((a, b) => b.cost.value - a.cost.value);
  const rest = all.filter((one) => !shown.includes(one));
  const name = ({ comparison }: (typeof all)[number]): string => shortTitle(comparison.probe.title);
  const conclusive = all.every(({ cost }) => isConclusive(cost));
  const parts = shown.map((one) => `${name(one)} ${formatFactor(one.cost.value)}`);
  const text =
    parts.length > 0
      ? `Compared with a plain process on the host (the baseline), a container needed${conclusive ? "" : " in this run"}: ${parts.join(", ")}${rest.length > 0 ? `; no difference was shown for ${rest.map(name).join(", ")}` : ""}.`
      : `No difference between a container and a plain process on the host (the baseline) was shown for ${rest.map(name).join(", ")}.`;
  const [most] = shown;
  return [
    {
      figure: most ? formatFactor(most.cost.value) : conclusive ? "≈" : "?",
      text,
      trace: traceOf((most ?? some).comparison),
      certainty: most && `${name(most)}: ${shortCertainty(most.cost) ?? "one run"}`,
    },
  ];
}

/** A negative control says something about the measurement, not about the targets. */
function controlStatement(comparison: Comparison): Statement {
  const verdict = controlOf(comparison);
  const { ratio } = comparison;
  const percent = `${formatNumber(Math.abs(1 - ratio.value) * 100)}\u00a0%`;
  const allowed = `${TOLERANCE * 100}\u00a0%`;
  const why = isConclusive(ratio) ? "its interval contains that limit" : "there are too few runs to decide";
  const said = {
    fair: `The negative control is fair: ${shortTitle(comparison.probe.title)} differs by ${percent}, and its whole interval is within ${allowed}`,
    unfair: `The negative control differs by ${percent}, and its whole interval is beyond the allowed ${allowed}. So the measurement is unfair, and other differences may have the same cause`,
    undecided: `The negative control is undecided: it differs by ${percent}, up to ${allowed} are allowed, and ${why}`,
  }[verdict];
  return {
    figure: verdict === "undecided" ? "?" : verdict,
    text: `${said} (${medians(comparison)}; ${sidesOf(comparison)} ${formatFactor(ratio.value)}).`,
    trace: traceOf(comparison),
    certainty: shortCertainty(ratio),
  };
}

function duelStatements(run: RunDocument): Statement[] {
  const all = sufferings(run).filter((s) => s.representative);
  const each = worstOfEach(all);
  const shown = all.find((s) => differs(s.ratio) && s.ratio.value > 1);
  const worst = shown ?? all[0];
  if (worst === undefined) return [];
  const other = each.find((s) => s.victim !== worst.victim);
  const beside = worst.series.title;
  const trace = {
    probe: "duel",
    metric: `${worst.series.metric} : ${worst.alone.metric}`,
    n: `${worst.series.samples.length} + ${worst.alone.samples.length}`,
  };
  const lost = formatLoss(worst.ratio.value);
  const certainty = lossCertainty(worst.ratio);
  if (shown === undefined) {
    const who = other ? "neither was" : `the ${worst.victim} was not`;
    const text = `In the duel ${who} shown to suffer (worst: the ${worst.victim} lost ${lost} of its speed ${beside}).${tooFew(worst.ratio)}`;
    return [{ figure: isConclusive(worst.ratio) ? "≈" : "?", text, trace, certainty }];
  }
  const rest =
    other === undefined
      ? "There is no figure of the other target."
      : `The ${other.victim} lost at most ${formatLoss(other.ratio.value)} (${other.series.title}).${duelLoser(each) ? "" : " Which of them suffers more was not shown."}`;
  const text = `In the duel the ${worst.victim} suffered${duelLoser(each) ? " most" : ""}: ${beside} it lost ${lost} of its speed. ${rest}`;
  return [{ figure: `−${lost}`, text, trace, certainty }];
}

function densityStatements(run: RunDocument): Statement[] {
  const [guests, containers] = (["guest", "container"] as const).map((target) => {
    const fit = fitOf(run, target);
    return fit?.representative ? fit : undefined;
  });
  if (guests === undefined && containers === undefined) return [];
  const many = (fit: Fit | undefined, what: string): string[] =>
    fit ? [`${formatNumber(fit.median)} more ${what}${fit.limit ? ` (by ${fit.limit})` : ""}`] : [];
  const parts = [...many(guests, "guests"), ...many(containers, "containers")];
  const caveat = guests && emulationCaveat(run, "density");
  return [
    {
      figure: formatNumber((guests ?? containers)?.median ?? 0),
      text: `About ${parts.join(" or ")} of this spec would fit on this host beside those running, idle: extrapolated from a few that were started, not tried.`,
      notes: caveat ? [caveat] : [],
      trace: {
        probe: "density",
        metric: DENSITY_FIT,
        n: [containers?.n, guests?.n].filter((n) => n !== undefined).join(" + "),
      },
    },
  ];
}

/** Characters. A longer reason is cut here; the probe's section shows all of it. */
const LONGEST_REASON = 140;

/** What no conclusion uses, grouped by reason: each probe once, with its targets. */
function leftOut(run: RunDocument): LeftOut[] {
  const by = new Map<string, Map<string, Set<string>>>();
  const add = (why: string, probe: string, target?: string): void => {
    const reason = why.length > LONGEST_REASON ? `${why.slice(0, LONGEST_REASON).trimEnd()} …` : why;
    const probes = by.get(reason) ?? new Map<string, Set<string>>();
    const targets = probes.get(probe) ?? new Set<string>();
    if (target) targets.add(target);
    by.set(reason, probes.set(probe, targets));
  };
  for (const probe of run.probes) {
    const title = shortTitle(probe.title);
    if (probe.status !== "ok") add(`${probe.status}: ${probe.note || "no reason was recorded"}`, title);
    for (const s of probe.series) {
      if (s.samples.length > 0 && !s.representative)
        add(s.note || "marked as not representative", title, s.target);
      else if (s.samples.length === 0 && probe.status === "ok")
        add(
          `${s.status === "ok" ? "no samples" : s.status}: ${s.note || "no reason was recorded"}`,
          title,
          s.target,
        );
    }
  }
  return [...by].map(([why, probes]) => ({
    why,
    probes: [...probes].map(([title, of]) => (of.size > 0 ? `${title} (${[...of].join(", ")})` : title)),
  }));
}

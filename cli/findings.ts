import { messageOf } from "../base/errors.js";
import type { Finding, HostCheck } from "../hosts/checks.js";
import type { Context } from "./context.js";

/** What one check found, as `doctor` reports it. */
export interface FoundByCheck extends Omit<Finding, "fix" | "repair"> {
  id: string;
  title: string;
  level: string;
  fix: string | undefined;
}

/** Runs checks in order, because each may rely on those before it. A check that throws is a finding, too. */
export async function findAll(checks: readonly HostCheck[]): Promise<FoundByCheck[]> {
  const all: FoundByCheck[] = [];
  for (const { id, level, run, title } of checks) {
    const { ok, found, wanted, fix } = await run().catch((error: unknown) => ({
      ok: false,
      found: messageOf(error),
      wanted: "an answer",
      fix: "see above",
    }));
    all.push({ id, title, level, ok, found, wanted, fix: ok ? undefined : fix });
  }
  return all;
}

/** Findings, for people. */
export function findingLines(ctx: Context, findings: readonly FoundByCheck[]): string[] {
  const { bad, bold, dim, good, warn } = ctx.style;
  return findings.flatMap((f) => {
    const mark = f.ok ? good("✓") : f.level === "advice" ? warn("!") : bad("✗");
    const line = `${mark} ${bold(f.title)}: ${f.found}`;
    return f.ok ? [line] : [line, dim(`    wanted: ${f.wanted}`), dim(`    fix:    ${f.fix ?? ""}`)];
  });
}

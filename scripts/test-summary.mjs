// Prints a summary of a whole test run, from vitest's JSON reports: the slowest files, skipped tests, and at the end, where
// people look for it, what failed and why.
import { readFileSync } from "node:fs";

const reports = process.argv.slice(2).map((file) => JSON.parse(readFileSync(file, "utf8")));
const files = reports.flatMap((report) => report.testResults);
const tests = files.flatMap((f) => f.assertionResults.map((t) => ({ ...t, file: name(f) })));
const are = (...states) => tests.filter((t) => states.includes(t.status));

console.log("slowest files:");
for (const f of files.sort((a, b) => seconds(b) - seconds(a)).slice(0, 12))
  console.log(`${seconds(f)} s`.padStart(7), name(f));

const skipped = are("pending", "skipped", "todo");
for (const t of skipped) console.log("skipped:", t.fullName);

const failed = [
  ...are("failed").map((t) => ({ what: `${t.file} > ${t.fullName}`, why: t.failureMessages.join("\n") })),
  // A failed hook or import belongs to no test.
  ...files
    .filter((f) => f.status === "failed" && f.assertionResults.every((t) => t.status !== "failed"))
    .map((f) => ({ what: `${name(f)}, outside its tests`, why: f.message })),
];
for (const f of failed) console.log(`\nFAILED ${f.what}\n${indented(f.why)}`);

console.log(`${are("passed").length} passed, ${failed.length} failed, ${skipped.length} skipped`);

function name(file) {
  return file.name.replace(`${process.cwd()}/`, "");
}

function seconds(file) {
  return Math.round((file.endTime - file.startTime) / 1000);
}

/** Without the test runner's own frames, and at most 3000 characters: the whole text is above, where the test ran. */
function indented(text) {
  const ours = text.split("\n").filter((line) => !/^ +at .*(node_modules|new Promise)/.test(line));
  return ours.join("\n").slice(0, 3000).replace(/^/gm, "    ");
}

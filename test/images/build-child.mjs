/** Runs ensureImage in a process of its own, from the TypeScript sources, so that tests can kill it. */
import { fileURLToPath } from "node:url";
import { runnerImport } from "vite";

const ensure = fileURLToPath(new URL("../../images/ensure.ts", import.meta.url));
const { module } = await runnerImport(ensure, { logLevel: "silent", configFile: false });
const [spec, options] = process.argv.slice(2).map((text) => JSON.parse(text));
const progress = { update: (text) => console.log(text), note: (text) => console.log(`note: ${text}`) };
try {
  const image = await module.ensureImage(spec, { ...options, progress });
  console.log(`done ${image.hash}`);
} catch (error) {
  console.log(
    `failed ${JSON.stringify({ name: error.name, message: error.message, exitCode: error.exitCode, why: error.why, fix: error.fix })}`,
  );
  process.exitCode = 1;
}

import { statSync } from "node:fs";

// Makes the compiled command line again in few files, which cli/bin.ts starts: Node takes half a second of CPU to find
// and read a thousand. What Pulumi's SDK and AWS's need stays where npm put it: the engine's protocol must be loaded once.

/** What a library loads for something that trilab does not use: empty in the bundle. */
const UNUSED = [
  // drivers/docker/connect.ts has a connection through ssh of its own.
  { library: "docker-modem", loads: "ssh2" },
  // BuildKit's sessions.
  { library: "dockerode", loads: "@grpc/grpc-js" },
  { library: "dockerode", loads: "@grpc/proto-loader" },
  // Translated messages.
  { library: "zod", loads: "../locales/index.js" },
];
const EMPTY = "\0empty";

export default {
  input: { start: "cli/start.ts" },
  platform: "node",
  resolve: { extensionAlias: { ".js": [".ts", ".js"] } },
  external: [/^@pulumi\//, /^@aws-sdk\//, /^@smithy\//, /^vega/, "cpu-features", /\.node$/],
  transform: { define: { __dirname: "import.meta.dirname", __filename: "import.meta.filename" } },
  output: { dir: "dist/bundle", format: "esm", sourcemap: true, cleanDir: true, comments: false },
  plugins: [
    {
      name: "unused",
      resolveId(source, importer = "") {
        const unused = UNUSED.some(
          ({ library, loads }) => source === loads && importer.includes(`/node_modules/${library}/`),
        );
        return unused ? EMPTY : undefined;
      },
      load: (id) => (id === EMPTY ? "export {}" : undefined),
    },
    {
      name: "of",
      generateBundle() {
        // cli/bin.ts uses the bundle only as long as nothing is compiled anew.
        const { mtimeMs } = statSync("dist/.tsbuildinfo");
        this.emitFile({ type: "asset", fileName: "of", source: String(mtimeMs) });
      },
    },
  ],
};

import { defineConfig } from "vitest/config";

/** Real engine and plugin against moto, on this process's own ports: nothing of this machine is touched. */
const AWS = [
  "test/plugins/aws/**/*.integration.test.ts",
  "test/e2e/aws*.integration.test.ts",
  "test/shared/*.integration.test.ts",
];

/** On this machine, but only with seats of their own: what other tests do to the host's daemons, these do not. */
const SEATS = [
  "class",
  "class-entry",
  "class-shared",
  "killed",
  "lifetime",
  "power",
  "resize",
  "resume",
  "silence",
  "snapshot",
  "swarm",
  "usage",
].map((name) => `test/e2e/${name}.integration.test.ts`);

/** Longer than the suite has time for: `npm run guides`. */
const GUIDES = ["test/tasks/guides.integration.test.ts"];

/**
 * Each for itself: what runs beside it is another project, or nothing. The bounds end what hangs; how fast something is
 * says bench/, as no machine that is shared can tell it in a test.
 */
const serial = {
  fileParallelism: false,
  testTimeout: 600_000,
  hookTimeout: 900_000,
  expect: { poll: { timeout: 120_000 } },
};

/**
 * Unit tests run side by side and touch nothing outside. Integration tests run one file after the other against the
 * real engine, dockerd, libvirtd and QEMU of this machine. Those against moto and those of SEATS may run beside them (scripts/test).
 */
export default defineConfig({
  test: {
    // A failure's one line says what was compared, also where its diff is not at hand.
    chaiConfig: { truncateThreshold: 0 },
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: ["test/**/*.integration.test.ts"],
          testTimeout: 20_000,
        },
      },
      {
        extends: true,
        test: {
          name: "integration",
          include: ["test/**/*.integration.test.ts"],
          exclude: [...AWS, ...SEATS, ...GUIDES],
          ...serial,
        },
      },
      { extends: true, test: { name: "aws", include: AWS, ...serial } },
      { extends: true, test: { name: "seats", include: SEATS, ...serial } },
      { extends: true, test: { name: "guides", include: GUIDES, ...serial } },
    ],
  },
});

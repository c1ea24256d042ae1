import { PassThrough } from "node:stream";
import type Docker from "dockerode";
import { expect, it } from "vitest";
import { execInContainer } from "../../../drivers/docker/exec.js";

it.each(["exec", "start"])("ends when it is aborted while the daemon is asked (%s)", async (during) => {
  const abort = new AbortController();
  const stream = new PassThrough();
  const at = (step: string): void => {
    if (step === during) abort.abort(new Error("interrupted"));
  };
  const start = async (): Promise<PassThrough> => {
    at("start");
    return stream;
  };
  const container = {
    exec: async () => {
      at("exec");
      return { start };
    },
    modem: { demuxStream: () => {} },
  } as unknown as Docker.Container;
  const running = execInContainer(
    container,
    { command: ["sleep", "9"], user: "lab" },
    { signal: abort.signal },
  );
  await expect(running).rejects.toThrow("interrupted");
  expect(stream.destroyed).toBe(true);
});

import { expect, test } from "vitest";
import { ExitCode, UserError } from "../../base/errors.js";
import type { Drivers } from "../../drivers/drivers.js";
import { LOCAL } from "../../model/endpoint.js";
import { silenceOf } from "../../seats/silence.js";

const refusal = new UserError("no", { exitCode: ExitCode.hostNotReady });

/** Refuses after so many milliseconds; `undefined`: answers. */
const daemon = (endpoint: object, refusesAfter?: number) => ({
  endpoint,
  preflight: async () => {
    if (refusesAfter === undefined) return;
    await new Promise((resolve) => setTimeout(resolve, refusesAfter));
    throw refusal;
  },
});
const ask = (docker: object | undefined, libvirt: object) =>
  silenceOf({ docker, libvirt } as unknown as Drivers, 50)();

test("a daemon that does not answer in time is named, with the way out", async () => {
  const afar = { kind: "libvirt", uri: "qemu+ssh://lab1/system" };
  expect(await ask(daemon(LOCAL.docker), daemon(afar, 100))).toMatchObject({
    message: "libvirt at qemu+ssh://lab1/system has stopped answering",
    fix: expect.stringContaining("the state is kept"),
    exitCode: ExitCode.hostNotReady,
  });
});

test("daemons that answer, and one that refuses at once, are not silent", async () => {
  expect(await ask(daemon(LOCAL.docker), daemon(LOCAL.libvirt))).toBeUndefined();
  expect(await ask(undefined, daemon(LOCAL.libvirt, 0))).toBeUndefined();
});

import { afterEach, expect, it, vi } from "vitest";
import { BootWatch, readPanics } from "../../../drivers/libvirt/boot-watch.js";

const BOOT = "trilab: initrd: /dev/vda mounted\ntrilab: identity: a 10.213.0.2/28\n";
const PANIC = `[    1.234567] Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100
[    1.300000] CPU: 0 PID: 1 Comm: init Not tainted 6.1.0
[    1.400000] Kernel Offset: disabled
[    1.500000] ---[ end Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100 ]---
`;
const WORDS = "Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100";

it("counts each panic once, and knows whether the machine has booted since", () => {
  expect(readPanics("")).toEqual({ count: 0, words: "", context: "", isLast: false });
  expect(readPanics(BOOT)).toMatchObject({ count: 0, isLast: false });
  expect(readPanics(BOOT + PANIC)).toEqual({
    count: 1,
    words: WORDS,
    context: `${BOOT}${PANIC.split("\n")[0]}`,
    isLast: true,
  });
  expect(readPanics(BOOT + PANIC + BOOT)).toMatchObject({ count: 1, words: WORDS, isLast: false });
  expect(readPanics(PANIC + PANIC)).toMatchObject({ count: 2, isLast: true });
});

afterEach(() => {
  vi.useRealTimers();
});

/** Looks at one console after the other. @returns what each look said, and how often the machine was restarted. */
async function watched(...consoles: string[]): Promise<{ said: unknown[]; restarts: string[] }> {
  vi.useFakeTimers({ toFake: ["Date"] });
  let console = "";
  const restarts: string[] = [];
  const watch = new BootWatch(
    async () => console,
    async (words) => void restarts.push(words),
  );
  const said: unknown[] = [];
  for (console of consoles) {
    said.push(await watch.look());
    vi.setSystemTime(Date.now() + 45_000);
  }
  return { said, restarts };
}

it("leaves a machine alone that boots, whatever it went through before", async () => {
  expect(await watched("", "", BOOT)).toEqual({ said: [undefined, undefined, undefined], restarts: [] });
  const before = BOOT + PANIC;
  expect(await watched(before, before + BOOT, before + BOOT)).toMatchObject({ restarts: [] });
});

it("restarts one that panics once, and gives it up when it panics again", async () => {
  expect(await watched("", PANIC, PANIC, PANIC + BOOT)).toEqual({
    said: [undefined, undefined, undefined, undefined],
    restarts: [WORDS],
  });
  expect(await watched("", PANIC, PANIC + PANIC)).toEqual({
    said: [undefined, undefined, WORDS],
    restarts: [WORDS],
  });
  expect((await watched("", PANIC + PANIC)).said).toEqual([undefined, WORDS]);
});

it("restarts one that stands still after a panic of before the watch", async () => {
  const { said, restarts } = await watched(PANIC, PANIC, PANIC, PANIC, PANIC + PANIC);
  expect(restarts).toEqual([WORDS]);
  expect(said).toEqual([undefined, undefined, undefined, undefined, WORDS]);
});

it("takes a log that was rolled over for one without news", async () => {
  expect((await watched(PANIC + BOOT + PANIC + BOOT, BOOT, BOOT)).restarts).toEqual([]);
});

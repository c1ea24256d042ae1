import { expect, it } from "vitest";
import { conclude, type ProbeVerdict } from "../../images/kvm-probe.js";

const files = { kernel: "/k", initrd: "/i" };
const timedOut: ProbeVerdict = { works: false, timedOut: true, why: "not within 10 s", seconds: 10 };
/** The verdict on a host where the emulated kernel boots in time, or does not; and how often that was tried. */
async function concluded(
  verdict: ProbeVerdict,
  boots: boolean,
): Promise<{ verdict: ProbeVerdict; tried: string[] }> {
  const tried: string[] = [];
  const probe = async ({ accel = "kvm" }: { accel?: string }): Promise<ProbeVerdict> => {
    tried.push(accel);
    return boots ? { works: true, why: "booted", seconds: 2 } : timedOut;
  };
  return { verdict: await conclude(verdict, files, probe), tried };
}

it("holds it against KVM when the same kernel boots emulated in that time", async () => {
  expect(await concluded(timedOut, true)).toEqual({ verdict: timedOut, tried: ["tcg"] });
});

it("says nothing of KVM where the host is too busy to boot any kernel in time", async () => {
  const { verdict } = await concluded(timedOut, false);
  expect(verdict).toMatchObject({
    works: false,
    inconclusive: true,
    why: expect.stringContaining("too busy"),
  });
});

it("asks no further where KVM works, or QEMU says why it does not", async () => {
  const works = { works: true, why: "booted", seconds: 1 };
  const refused = { works: false, why: "QEMU ended", seconds: 0 };
  expect(await concluded(works, false)).toEqual({ verdict: works, tried: [] });
  expect(await concluded(refused, false)).toEqual({ verdict: refused, tried: [] });
});

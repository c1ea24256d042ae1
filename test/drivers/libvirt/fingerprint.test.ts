import { describe, expect, it } from "vitest";
import { parseParts, partsQuestion } from "../../../drivers/libvirt/fingerprint.js";

const guest = "trilab-l-s-guest";
const vps = "trilab-l-s-vps";
const image = "0123456789abcdef";
const domain = `<domain><name>${guest}</name><kernel>/images/${image}.vmlinux</kernel></domain>`;
const volumes = [
  ` ${guest}.console.log     /pool/${guest}.console.log`,
  ` ${guest}.qcow2           /pool/${guest}.qcow2`,
  " trilab-l-t-guest.qcow2   /pool/trilab-l-t-guest.qcow2",
];
const images = [` ${image}.vmlinux   /images/${image}.vmlinux`, " fedcba9876543210.json   /images/f.json"];
/** virsh's own form: `echo` ends no line, lists end with an empty one, and what is not there says nothing. */
const answer = (change: Partial<Record<string, string>> = {}): string => {
  const parts: Record<string, string> = {
    domains: `other\n${guest}\n\n`,
    networks: `default\n${guest}\n\n`,
    running: `${guest}\nother\n\n`,
    active: `${guest}\ndefault\n\n`,
    volumes: `${volumes.join("\n")}\n\n`,
    images: `${images.join("\n")}\n\n`,
    domain: `${domain}\n\n`,
    network: `<network><name>${guest}</name></network>\n\n`,
    ...change,
  };
  return `${Object.entries(parts)
    .map(([name, text]) => `[[${name}]]${text}`)
    .join("")}[[domain]][[network]]`;
};
const parts = (change?: Partial<Record<string, string>>) => parseParts([guest, vps], answer(change));

describe("what libvirt has of a seat", () => {
  it("asks for everything in one command line", () => {
    const question = partsQuestion([guest, vps]);
    expect(question).toContain(`dumpxml --inactive ${guest}`);
    expect(question).toContain(`net-dumpxml --inactive ${vps}`);
    // A paused domain does not run.
    expect(question).toContain("[[running]]; list --state-running --name");
    expect(question).toMatch(/; echo$/);
  });

  it("is its own things alone, and runs when all of them do", () => {
    expect(parts()).toEqual({
      runs: true,
      definitions: [
        guest,
        guest,
        `${guest}.qcow2`,
        `${image}.vmlinux`,
        expect.stringContaining(`${domain}\n<network>`),
      ],
    });
  });

  it.each([
    ["its domain is shut off", { running: "other\n\n" }],
    ["its network is inactive", { active: "default\n\n" }],
  ])("does not run when %s", (_, change) => {
    expect(parts(change).runs).toBe(false);
  });

  it.each([
    ["its memory", { domain: `${domain.replace("<name>", "<memory>1</memory><name>")}\n\n` }],
    ["its network", { network: "<network/>\n\n" }],
    ["its disk", { volumes: `${volumes[0]}\n\n` }],
    ["its image", { images: "\n" }],
    ["the pool", { volumes: "" }],
    ["a clone left behind", { volumes: `${volumes.join("\n")}\n ${guest}-clone1.qcow2   /pool/c\n\n` }],
    ["the domain", { domains: "other\n\n", running: "other\n\n", domain: "" }],
  ])("is another when there is a change of: %s", (_, change) => {
    expect(parts(change).definitions).not.toEqual(parts().definitions);
  });

  it.each([
    ["others' things", { domains: `${guest}\nmore\n\n`, volumes: `${volumes.slice(0, 2).join("\n")}\n\n` }],
    ["its console's log", { volumes: `${volumes.join("\n")}\n ${guest}.console.log.0   /pool/l\n\n` }],
    ["its snapshots", { volumes: `${volumes.join("\n")}\n ${guest}.a.snapshot.qcow2   /pool/s\n\n` }],
    ["the order", { running: `other\n${guest}\n\n`, volumes: `${[...volumes].reverse().join("\n")}\n\n` }],
  ])("is the same whatever becomes of %s", (_, change) => {
    expect(parts(change)).toEqual(parts());
  });
});

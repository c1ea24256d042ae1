import { expect, it } from "vitest";
import { silent } from "../../base/progress.js";
import { AWS_KINDS, type Kind } from "../../model/kinds.js";
import { removeThings } from "../../seats/remove-seat.js";

/** What is tried to be removed of one of each kind, and what is said, where some refuse. */
async function removing(...stuck: Kind[]) {
  const [tried, notes]: [Kind[], string[]] = [[], []];
  const things = AWS_KINDS.map((kind) => ({ kind, name: "n", id: kind, state: "", owner: undefined }));
  await removeThings(things.reverse(), { ...silent, note: (text) => notes.push(text) }, async ({ kind }) => {
    tried.push(kind);
    if (stuck.includes(kind)) throw new Error("not allowed");
  });
  return { tried, notes };
}

it("what can't be removed is told, and the rest goes, in its order", async () => {
  const { tried, notes } = await removing("key pair");
  expect(tried).toEqual(AWS_KINDS);
  expect(notes).toEqual(["could not remove key pair n: not allowed"]);
});

it("an instance that stays keeps what it is in, for which nothing waits; what costs by itself still goes", async () => {
  const { tried, notes } = await removing("instance");
  expect(tried).toEqual(["instance", "elastic IP", "EBS volume", "key pair"]);
  expect(notes).toEqual(["could not remove instance n: not allowed; its network stays with it"]);
});

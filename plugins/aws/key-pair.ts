import {
  DeleteKeyPairCommand,
  DescribeKeyPairsCommand,
  type EC2Client,
  ImportKeyPairCommand,
  type KeyPairInfo,
} from "@aws-sdk/client-ec2";
import { z } from "zod";
import { UserError } from "../../base/errors.js";
import { awsError, codeOf, lookUp } from "../../drivers/ec2/errors.js";
import { tagMap } from "../../drivers/ec2/tags.js";
import { remove } from "../../drivers/ec2/wait.js";
import { defineResource, type Found, type Known, type PropertyRule } from "../harness/resource.js";
import { bag } from "../harness/values.js";
import { found } from "./state.js";
import { changeTags, tagsAtCreation, tagsIn, tagsSchema } from "./tags.js";

const schema = z.strictObject({
  keyName: z.string().min(1).max(255),
  /** In the format of authorized_keys; RSA or ed25519. */
  publicKey: z.string().regex(/^ssh-(rsa|ed25519) /, "AWS accepts only ssh-rsa and ssh-ed25519 keys"),
  tags: tagsSchema.optional(),
});

/** Type and key, without the comment, which AWS does not store. */
const keyOf = (value: unknown): string => String(value).trim().split(/\s+/).slice(0, 2).join(" ");

const rules = {
  keyName: { on: "replace" },
  publicKey: { on: "replace", agrees: (has, wants) => keyOf(has) === keyOf(wants) },
  tags: { on: "update" },
} satisfies Record<keyof z.output<typeof schema>, PropertyRule>;

async function describe(client: EC2Client, name: string): Promise<KeyPairInfo | undefined> {
  const answer = await lookUp(`key pair ${name} could not be read`, () =>
    client.send(new DescribeKeyPairsCommand({ KeyNames: [name], IncludePublicKey: true })),
  );
  return answer?.KeyPairs?.[0];
}

function foundPair(pair: KeyPairInfo, name: string, known: Known): Found {
  const live = {
    keyName: pair.KeyName,
    publicKey: pair.PublicKey,
    fingerprint: pair.KeyFingerprint,
    keyPairId: pair.KeyPairId,
    keyType: pair.KeyType,
    tags: tagMap(pair.Tags),
    tagsAll: tagMap(pair.Tags),
  };
  return found(name, live, known, rules);
}

async function readPair(client: EC2Client, name: string, known: Known): Promise<Found | undefined> {
  const pair = await describe(client, name);
  return pair && foundPair(pair, name, known);
}

/** A public key for instances. ID, as the official provider's: the key's name. */
export const keyPair = defineResource<typeof schema, EC2Client>({
  token: "aws:ec2/keyPair:KeyPair",
  schema,
  rules,
  computed: ["fingerprint", "keyPairId", "keyType", "tagsAll"],
  autoname: "keyName",
  deleteBeforeReplace: true,

  async create(inputs, ctx) {
    const client = await ctx.client();
    const { keyName, publicKey, tags } = inputs;
    const what = `key pair "${keyName}" could not be created`;
    const known = { inputs: bag(inputs), state: {} };
    try {
      await client.send(
        new ImportKeyPairCommand({
          KeyName: keyName,
          PublicKeyMaterial: new TextEncoder().encode(publicKey),
          ...tagsAtCreation("key-pair", tags),
        }),
      );
    } catch (error) {
      if (codeOf(error) !== "InvalidKeyPair.Duplicate") throw awsError(what, error);
      const there = await describe(client, keyName);
      // It has the same key and tags, so a killed run made it.
      if (there?.PublicKey === undefined || keyOf(there.PublicKey) !== keyOf(publicKey))
        throw new UserError(what, {
          why: "a key pair of that name, but with another key, exists already in this region",
          fix: `choose another name, or remove it: aws ec2 delete-key-pair --key-name ${keyName}`,
          cause: error,
        });
      await changeTags(client, [there.KeyPairId ?? ""], tagMap(there.Tags), tags);
    }
    return (await readPair(client, keyName, known)) ?? { id: keyName, outs: known.inputs };
  },

  read: async (id, known, ctx) => readPair(await ctx.client(), id, known),

  async update(id, inputs, old, ctx) {
    const client = await ctx.client();
    await changeTags(client, [String(old.state.keyPairId)], tagsIn(old.state.tags), inputs.tags);
    return (await readPair(client, id, { inputs: bag(inputs), state: old.state }))?.outs ?? old.state;
  },

  async delete(id, _state, ctx) {
    const client = await ctx.client();
    await remove(client, ctx.signal, {
      what: `key pair "${id}" could not be removed`,
      call: () => client.send(new DeleteKeyPairCommand({ KeyName: id })),
    });
  },
});

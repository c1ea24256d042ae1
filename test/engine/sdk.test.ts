import { createRequire } from "node:module";
import type * as Pulumi from "@pulumi/pulumi";
import { expect, it } from "vitest";
import { loadSdk } from "../../engine/sdk.js";

it("the SDK loads without the TypeScript compiler and npm's package resolver", () => {
  const sdk = loadSdk<typeof Pulumi>("./index.js");
  expect(sdk.CustomResource).toBeTypeOf("function");
  const loaded = Object.keys(createRequire(import.meta.url).cache);
  expect(loaded).toContainEqual(expect.stringContaining("/@pulumi/pulumi/resource.js"));
  expect(loaded.filter((file) => /\/node_modules\/(typescript|@npmcli)\//.test(file))).toEqual([]);
});

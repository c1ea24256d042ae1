import * as pulumi from "@pulumi/pulumi";

/** One resource as the engine would have been told of it. */
export interface Registered {
  type: string;
  name: string;
  inputs: Record<string, unknown>;
}

/** What the provider answers to a function, by its token. */
export type Calls = Readonly<Record<string, (inputs: Record<string, unknown>) => Record<string, unknown>>>;

/** Runs a program against mocks and returns what it registered, in order. A function call that has no answer is an error. */
export async function registered(program: () => unknown, calls: Calls = {}): Promise<Registered[]> {
  const resources: Registered[] = [];
  await pulumi.runtime.setMocks({
    newResource(args) {
      resources.push({ type: args.type, name: args.name, inputs: args.inputs });
      return { id: `${args.name}-id`, state: { ...args.inputs } };
    },
    call(args) {
      const answer = calls[args.token];
      if (answer === undefined) throw new Error(`unexpected call of ${args.token}`);
      return answer(args.inputs);
    },
  });
  await program();
  await pulumi.runtime.disconnect();
  return resources;
}

/** For a component's options: notes what each child ignores, by its type, as the mocks are not told. */
export function ignoredChanges(): {
  ignored: Record<string, string[]>;
  opts: pulumi.ComponentResourceOptions;
} {
  const ignored: Record<string, string[]> = {};
  const note: pulumi.ResourceTransformation = ({ type, opts }) => {
    if (opts.ignoreChanges?.length) ignored[type] = opts.ignoreChanges;
    return undefined;
  };
  return { ignored, opts: { transformations: [note] } };
}

/** The one resource of a type. */
export function only(resources: readonly Registered[], type: string): Registered {
  const found = resources.filter((r) => r.type === type);
  const [first] = found;
  if (first === undefined || found.length > 1) throw new Error(`${found.length} resources of type ${type}`);
  return first;
}

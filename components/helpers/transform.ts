/** A caller's change of a child's arguments: replacements for some of them, or a function that edits them. */
export type Transform<Args> = Partial<Args> | ((args: Args) => Args);

/** The arguments after the caller's transform, if there is one. */
export function applyTransform<Args extends object>(
  transform: Transform<Args> | undefined,
  args: Args,
): Args {
  if (transform === undefined) return args;
  return typeof transform === "function" ? transform(args) : { ...args, ...transform };
}

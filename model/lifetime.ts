/** The file in every machine that says when it ends itself: Unix seconds, or `never`. Its reader is in images/rootfs. */
export const EXPIRES_FILE = "/var/lib/trilab/expires";

/** The program in every machine that ends it in time; see images/rootfs. */
export const LIFETIME_PROGRAM = "/usr/local/lib/trilab/lifetime";

/** An expiry (ISO 8601 or `never`) as {@link EXPIRES_FILE} holds it. */
export const expiresInMachine = (expires: string): string =>
  expires === "never" ? "never" : String(Math.floor(Date.parse(expires) / 1000));

/** The other way round; `undefined` when the text is neither whole seconds nor `never`. */
export function expiresFromMachine(text: string): string | undefined {
  const word = text.trim();
  if (word === "never") return word;
  return /^[1-9]\d{0,11}$/.test(word) ? new Date(Number(word) * 1000).toISOString() : undefined;
}

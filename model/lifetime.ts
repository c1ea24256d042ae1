/** The file in every machine with its expiry: Unix seconds, or `never`. images/rootfs has the program that reads it. */
export const EXPIRES_FILE = "/var/lib/trilab/expires";

/** The program in every machine that ends it in time; see images/rootfs. */
export const LIFETIME_PROGRAM = "/usr/local/lib/trilab/lifetime";

/** The log that this program and the services write in a container, instead of its output; see images/rootfs. */
export const CONTAINER_LOG = "/var/log/trilab.log";

/** An expiry (ISO 8601 or `never`) in the form of {@link EXPIRES_FILE}. */
export const expiresInMachine = (expires: string): string =>
  expires === "never" ? "never" : String(Math.floor(Date.parse(expires) / 1000));

/** The reverse; `undefined` when the text is neither whole seconds nor `never`. */
export function expiresFromMachine(text: string): string | undefined {
  const word = text.trim();
  if (word === "never") return word;
  return /^[1-9]\d{0,11}$/.test(word) ? new Date(Number(word) * 1000).toISOString() : undefined;
}

import { execa } from "execa";

/**
 * The host's apt sources that serve a release, as one-line entries, by asking apt itself
 * (so deb822 files, arch filters and disabled entries are understood).
 * Empty when the host serves another release or has no apt: mmdebstrap then uses Debian's default mirror.
 */
export async function hostSources(release: string): Promise<string[]> {
  const format = "$(REPO_URI)|$(CODENAME)|$(SUITE)|$(COMPONENT)|$(ORIGIN)";
  const listed = await execa("apt-get", ["indextargets", "--format", format, "Created-By: Packages"], {
    reject: false,
  });
  if (listed.failed) return [];
  return sourcesFor(release, listed.stdout.split("\n"));
}

/** The entries among `REPO_URI|CODENAME|SUITE|COMPONENT|ORIGIN` lines that serve the release, if it is complete. */
export function sourcesFor(release: string, lines: readonly string[]): string[] {
  const wanted = new Set([release, `${release}-updates`, `${release}-security`]);
  const components = new Map<string, Set<string>>();
  for (const line of lines) {
    const [uri, codename, suite, component, origin] = line.split("|");
    const name = [codename, suite].find((part) => part !== undefined && wanted.has(part));
    // Third-party archives that borrow the code name are signed by other keys, and are not Debian.
    const debian = origin === "Debian" || origin === "$(ORIGIN)" || origin === "";
    if (uri === undefined || name === undefined || component === undefined || !debian) continue;
    const key = `deb ${uri} ${name}`;
    components.set(key, (components.get(key) ?? new Set()).add(component));
  }
  const complete = [...components].some(([key, names]) => key.endsWith(` ${release}`) && names.has("main"));
  return complete ? [...components].map(([key, names]) => `${key} ${[...names].sort().join(" ")}`) : [];
}

/** The host's apt options on how to fetch (proxies, TLS, retries), as `--aptopt` values. */
export async function hostFetchOptions(): Promise<string[]> {
  const dumped = await execa("apt-config", ["dump", "Acquire"], { reject: false });
  return dumped.failed ? [] : fetchOptionsIn(dumped.stdout.split("\n"));
}

/** Those lines of `apt-config dump Acquire` that say how to reach a mirror. */
export function fetchOptionsIn(lines: readonly string[]): string[] {
  return lines.filter((line) =>
    /^Acquire::(https?|ftp)::[^ ]*(Proxy|Proxy-Auto-Detect|CaInfo|CaPath|SslCert|SslKey|Verify-Peer|Verify-Host|Timeout)[^ ]* "[^"]+";$|^Acquire::(Retries|ForceIPv4|ForceIPv6) "[^"]+";$/i.test(
      line,
    ),
  );
}

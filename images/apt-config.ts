import { execa } from "execa";

/**
 * The host's apt sources for a release, as one-line entries. Queried from apt itself, which knows deb822 files, architecture
 * filters and disabled entries. Empty if the host has another release or no apt: then mmdebstrap uses Debian's default mirror.
 */
export async function hostSources(release: string): Promise<string[]> {
  const format = "$(REPO_URI)|$(CODENAME)|$(SUITE)|$(COMPONENT)|$(ORIGIN)";
  const listed = await execa("apt-get", ["indextargets", "--format", format, "Created-By: Packages"], {
    reject: false,
  });
  if (listed.failed) return [];
  return sourcesFor(release, listed.stdout.split("\n"));
}

/**
 * The sources of the release among lines of `REPO_URI|CODENAME|SUITE|COMPONENT|ORIGIN`; none if its main archive is not
 * among them.
 */
export function sourcesFor(release: string, lines: readonly string[]): string[] {
  const wanted = new Set([release, `${release}-updates`, `${release}-security`]);
  const components = new Map<string, Set<string>>();
  for (const line of lines) {
    const [uri, codename, suite, component, origin] = line.split("|");
    const name = [codename, suite].find((part) => part !== undefined && wanted.has(part));
    // Third-party archives may use Debian's code name. They have other keys and other packages.
    const debian = origin === "Debian" || origin === "$(ORIGIN)" || origin === "";
    if (uri === undefined || name === undefined || component === undefined || !debian) continue;
    const key = `deb ${uri} ${name}`;
    components.set(key, (components.get(key) ?? new Set()).add(component));
  }
  const complete = [...components].some(([key, names]) => key.endsWith(` ${release}`) && names.has("main"));
  return complete ? [...components].map(([key, names]) => `${key} ${[...names].sort().join(" ")}`) : [];
}

/** The host's apt options for downloads (proxies, TLS, retries), as `--aptopt` values. */
export async function hostFetchOptions(): Promise<string[]> {
  const dumped = await execa("apt-config", ["dump", "Acquire"], { reject: false });
  return dumped.failed ? [] : fetchOptionsIn(dumped.stdout.split("\n"));
}

/** The lines of `apt-config dump Acquire` that set how a mirror is reached. */
export function fetchOptionsIn(lines: readonly string[]): string[] {
  return lines.filter((line) =>
    /^Acquire::(https?|ftp)::[^ ]*(Proxy|Proxy-Auto-Detect|CaInfo|CaPath|SslCert|SslKey|Verify-Peer|Verify-Host|Timeout)[^ ]* "[^"]+";$|^Acquire::(Retries|ForceIPv4|ForceIPv6) "[^"]+";$/i.test(
      line,
    ),
  );
}

import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { ExitCode, UserError } from "../base/errors.js";
import { cacheDir } from "../base/paths.js";
import { compareVersions } from "./find.js";
import { which } from "./layout.js";
import { versions } from "./versions.js";

export interface Go {
  file: string;
  version: string;
  env: Record<string, string>;
}

const usual = [
  "/usr/local/go/bin",
  "/usr/lib/go/bin",
  join(homedir(), "go/bin"),
  join(homedir(), "sdk/go/bin"),
];
const wayOut = `install Go ${versions.go} or newer (https://go.dev/dl, or golang from your distribution's backports), or put pulumi ${versions.pulumi} on PATH`;

/**
 * The Go that builds what no release server gave: `TRILAB_GO`, then PATH, then the usual places.
 * One from 1.21 on is enough, since Go then fetches the toolchain a go.mod asks for through the module proxy and
 * verifies it against the checksum database.
 *
 * @throws UserError (exit 3) when there is none, or none new enough.
 */
export async function findGo(): Promise<Go> {
  const named = process.env.TRILAB_GO;
  const candidates = named ? [named] : [...(await which("go")), ...(await which("go", usual))];
  let old: string | undefined;
  for (const file of candidates) {
    const env = goEnvironment();
    const result = await execa(file, ["env", "GOVERSION"], { reject: false, env: { GOTOOLCHAIN: "local" } });
    const version = /^go(\d+\.\d+(?:\.\d+)?)/.exec(result.stdout?.trim() ?? "")?.[1];
    if (version === undefined) continue;
    // A distribution may have set GOTOOLCHAIN=local; only the user's own variable is obeyed.
    if (compareVersions(version, versions.go) >= 0) return { file, version, env };
    if (compareVersions(version, versions.goMinimum) >= 0) {
      return { file, version, env: { ...env, GOTOOLCHAIN: process.env.GOTOOLCHAIN ?? "auto" } };
    }
    old = version;
  }
  throw new UserError(
    old
      ? `Go ${old} is too old to build the Pulumi engine`
      : "there is no Pulumi engine, and no Go to build it with",
    {
      why: "Pulumi's release server does not answer from here, so the engine is built from the Go module proxy",
      fix: wayOut,
      exitCode: ExitCode.hostNotReady,
    },
  );
}

function goEnvironment(): Record<string, string> {
  // The user's own caches where there are some: what is in them need not be fetched or built again.
  const own = (variable: string, usual: string, ours: string): string =>
    process.env[variable] || (existsSync(usual) ? usual : join(cacheDir(), "go", ours));
  const goPath = process.env.GOPATH?.split(":")[0] || join(homedir(), "go");
  const userCache = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  return {
    GOCACHE: own("GOCACHE", join(userCache, "go-build"), "build"),
    GOMODCACHE: own("GOMODCACHE", join(goPath, "pkg/mod"), "mod"),
    // Read-only: go.mod and go.sum decide what is built, to the byte. No cgo: no C compiler, no libc to match.
    GOFLAGS: "-mod=readonly -trimpath -buildvcs=false",
    GOWORK: "off",
    CGO_ENABLED: "0",
  };
}

/** What a failed Go command means for its user. */
export function goError(title: string, output: string): UserError {
  const details = { exitCode: ExitCode.hostNotReady };
  const why = output.trim().split("\n").slice(-6).join("\n");
  if (/checksum mismatch|SECURITY ERROR|missing go\.sum entry/.test(output)) {
    return new UserError(`${title} was not built: a module's checksum is not the one recorded`, {
      ...details,
      why,
      fix: "the module proxy (GOPROXY) serves something else than trilab was made with, or engine/go was edited: use https://proxy.golang.org, or `git checkout engine/go`",
    });
  }
  if (/no space left on device/.test(output)) {
    return new UserError(`${title} was not built: the disk is full`, {
      ...details,
      why: "a build needs about 4 GB for modules and objects, and 300 MB for the result",
      fix: "free some space, or set XDG_CACHE_HOME, GOCACHE and GOMODCACHE to another disk",
    });
  }
  if (/go\.mod requires go >=|toolchain not available|download go1/.test(output)) {
    return new UserError(`Go is too old to build ${title}`, { ...details, why, fix: wayOut });
  }
  if (
    /dial tcp|no such host|connection refused|i\/o timeout|TLS handshake|proxyconnect|module lookup disabled|EOF$/m.test(
      output,
    )
  ) {
    return new UserError(`${title} was not built: the Go module proxy does not answer`, {
      ...details,
      why,
      fix: `set GOPROXY (and HTTPS_PROXY) to what this network offers, or put pulumi ${versions.pulumi} on PATH`,
    });
  }
  return new UserError(`${title} was not built`, { ...details, why, fix: wayOut });
}

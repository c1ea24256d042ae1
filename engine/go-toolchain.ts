import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { ExitCode, UserError } from "../base/errors.js";
import { cacheDir } from "../base/paths.js";
import { compareVersions } from "./find.js";
import { executablesNamed } from "./layout.js";
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
 * The Go for builds, needed if the release servers can't be reached: `TRILAB_GO`, else from PATH, else from the usual folders.
 * Go 1.21 is enough, because it downloads the toolchain that a go.mod requires from the module proxy, and verifies it with
 * the checksum database.
 *
 * @throws UserError (exit 3) when there is none, or all are too old.
 */
export async function findGo(): Promise<Go> {
  const named = process.env.TRILAB_GO;
  const candidates = named
    ? [named]
    : [...(await executablesNamed("go")), ...(await executablesNamed("go", usual))];
  let old: string | undefined;
  for (const file of candidates) {
    const env = goEnvironment();
    const result = await execa(file, ["env", "GOVERSION"], { reject: false, env: { GOTOOLCHAIN: "local" } });
    const version = /^go(\d+\.\d+(?:\.\d+)?)/.exec(result.stdout?.trim() ?? "")?.[1];
    if (version === undefined) continue;
    // A distribution may have set GOTOOLCHAIN=local; only the user's own variable counts.
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
      why: "Pulumi's release server can't be reached, so the engine is built from the Go module proxy",
      fix: wayOut,
      exitCode: ExitCode.hostNotReady,
    },
  );
}

function goEnvironment(): Record<string, string> {
  // The user's own caches, if there are some, so that their contents need not be downloaded or built again.
  const own = (variable: string, usual: string, ours: string): string =>
    process.env[variable] || (existsSync(usual) ? usual : join(cacheDir(), "go", ours));
  const goPath = process.env.GOPATH?.split(":")[0] || join(homedir(), "go");
  const userCache = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  return {
    GOCACHE: own("GOCACHE", join(userCache, "go-build"), "build"),
    GOMODCACHE: own("GOMODCACHE", join(goPath, "pkg/mod"), "mod"),
    // Read-only, so that exactly what go.mod and go.sum pin is built. Without cgo, no C compiler and no certain libc is needed.
    GOFLAGS: "-mod=readonly -trimpath -buildvcs=false",
    GOWORK: "off",
    CGO_ENABLED: "0",
  };
}

/** The error for a failed Go command. */
export function goError(title: string, output: string): UserError {
  const details = { exitCode: ExitCode.hostNotReady };
  const why = output.trim().split("\n").slice(-6).join("\n");
  if (/checksum mismatch|SECURITY ERROR|missing go\.sum entry/.test(output)) {
    return new UserError(`${title} was not built: a module's checksum is not the one recorded`, {
      ...details,
      why,
      fix: "the module proxy (GOPROXY) serves other modules than those that trilab was made with, or engine/go was changed: use https://proxy.golang.org, or run `git checkout engine/go`",
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
      fix: `set GOPROXY (and HTTPS_PROXY) to a proxy of this network, or put pulumi ${versions.pulumi} on PATH`,
    });
  }
  return new UserError(`${title} was not built`, { ...details, why, fix: wayOut });
}

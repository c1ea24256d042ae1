import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type SecondHost, startSecondHost } from "../support/second-host.js";
import { expectDone, expectError, openHome } from "./support.js";

/** The package that the host lacks; a repository of its own has it, as the host reaches no other. */
const PACKAGE = "qemu-utils";
/** Makes an apt repository with that package, of the files that this machine has of it, and removes them. */
const LACK_A_PACKAGE = `set -e
version=$(dpkg-query -W -f '\${Version}' ${PACKAGE})
mkdir -p /srv/repository/package/DEBIAN
cd /srv/repository
dpkg -L ${PACKAGE} | while read -r file; do [ -d "$file" ] || echo "$file"; done |
  tar -c -T - | tar -x -C package
printf 'Package: ${PACKAGE}\\nVersion: %s\\nArchitecture: amd64\\nMaintainer: test\\nDescription: test\\n' "$version" >package/DEBIAN/control
dpkg-deb -b package package.deb >/dev/null
{ cat package/DEBIAN/control
  printf 'Filename: ./package.deb\\nSize: %s\\nSHA256: %s\\n' "$(stat -c %s package.deb)" "$(sha256sum package.deb | cut -d ' ' -f 1)"
} >Packages
dpkg --force-depends -r ${PACKAGE} >/dev/null
rm -rf /etc/apt/sources.list /etc/apt/sources.list.d
echo 'deb [trusted=yes] file:/srv/repository ./' >/etc/apt/sources.list
`;

describe("another host over SSH", () => {
  const home = openHome();
  let host: SecondHost;
  beforeAll(async () => {
    host = await startSecondHost({ daemons: [] });
    expect(await host.run(LACK_A_PACKAGE)).toMatchObject({ exitCode: 0 });
  });
  afterAll(() => host?.stop());
  const doctor = async (...args: string[]) => {
    const run = await home.trilab(["doctor", "--json", ...args], host.env);
    const { checks, ready } = JSON.parse(run.stdout || "{}");
    const failing = checks?.filter((c: { ok: boolean; level: string }) => !c.ok && c.level === "required");
    return { run, ready, failing: failing?.map(({ id }: { id: string }) => id) };
  };

  it("is named when it can't be reached, and when that is no address", async () => {
    const closed = await home.trilab(["doctor", "--host", "ssh://root@127.0.0.1:1"], host.env);
    expectError(closed, 3, /ssh:\/\/root@127\.0\.0\.1:1 can't be reached/, /refused/);
    const stranger = await home.trilab(["doctor", "--host", `ssh://nobody@${host.address}`], host.env);
    expectError(stranger, 3, /Permission denied/);
    expectError(await home.trilab(["doctor", "--host", "lab1"]), 2, /ssh:\/\/user@host/);
  });

  it("is checked, with nothing changed there", async () => {
    for (const _ of [1, 2]) {
      const { failing, ready, run } = await doctor("--host", `ssh://root@${host.address}`);
      expect(run.exitCode, run.stderr).toBe(3);
      expect(ready).toBe(false);
      expect(failing).toEqual(["packages", "docker", "libvirt", "isolation"]);
    }
  });

  it("is not touched without a yes", async () => {
    const asked = await home.trilab(["doctor", "--fix", "--host", `ssh://root@${host.address}`], host.env);
    expectError(asked, 3, /is not ready/);
    expect((await host.run("pgrep -x dockerd; ls /usr/bin/qemu-img")).stdout).toBe("");
  });

  it("is made ready, by an alias of ~/.ssh/config too", async () => {
    const { failing, run } = await doctor("--fix", "--yes", "--host", `ssh://${host.name}`);
    expectDone(run);
    expect(failing).toEqual([]);
    const there = await host.run(
      `dpkg-query -W -f '\${db:Status-Abbrev}' ${PACKAGE}; docker version -f '{{.Server.Os}}'; virsh uri; iptables-save -t mangle`,
    );
    expect(there.stdout).toMatch(/^ii linux\nqemu:\/\/\/system\n/);
    expect(there.stdout).toContain("TRILAB");
    expectDone((await doctor("--host", `ssh://${host.name}`)).run);
  });
});

import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { ExitCode } from "../../base/errors.js";
import { metaData, USER_DATA_LIMIT, userData } from "../../components/helpers/cloud-init.js";

const HOST_KEY = `-----BEGIN OPENSSH PRIVATE KEY-----\n${"A".repeat(68)}\n-----END OPENSSH PRIVATE KEY-----\n`;
const args = {
  hostname: "trilab-l-s-vps",
  user: "lab",
  userKeys: ["ssh-ed25519 AAAA seat", "ssh-rsa BBBB more"],
  hostKey: HOST_KEY,
  hostPublicKey: "ssh-ed25519 CCCC host",
};
const PASSWORDS_OFF = {
  path: "/etc/ssh/sshd_config.d/01-trilab.conf",
  content: "PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\n",
  permissions: "0644",
};
const HOSTS = {
  path: "/etc/hosts",
  content: "127.0.0.1\tlocalhost\n127.0.1.1\ttrilab-l-s-vps\n::1\tlocalhost ip6-localhost ip6-loopback\n",
  permissions: "0644",
};

describe("user-data", () => {
  it("is this cloud-config and nothing else", () => {
    const text = userData(args);
    expect(text.split("\n")[0]).toBe("#cloud-config");
    expect(parse(text)).toEqual({
      hostname: "trilab-l-s-vps",
      preserve_hostname: false,
      users: [
        {
          name: "lab",
          uid: 1000,
          shell: "/bin/bash",
          lock_passwd: true,
          ssh_authorized_keys: args.userKeys,
        },
      ],
      disable_root: false,
      ssh_authorized_keys: args.userKeys,
      ssh_deletekeys: true,
      ssh_keys: { ed25519_private: HOST_KEY, ed25519_public: "ssh-ed25519 CCCC host" },
      ssh_quiet_keygen: true,
      no_ssh_fingerprints: true,
      write_files: [PASSWORDS_OFF, HOSTS],
      cloud_init_modules: ["write-files", "growpart", "resizefs", "set_hostname", "users-groups", "ssh"],
      cloud_config_modules: [],
      cloud_final_modules: [],
    });
  });

  it("installs packages, writes files and runs commands when told to, word for word", () => {
    const script = '#!/bin/sh\necho "$HOME: it\'s #1"\n\ttab\n';
    const config = parse(
      userData({
        ...args,
        packages: ["nginx-light"],
        files: [
          { path: "/usr/local/bin/a b", content: script, mode: "0755" },
          { path: "/etc/plain", content: "x" },
        ],
        run: [["systemctl", "start", "a b.timer"]],
      }),
    );
    expect(config.package_update).toBe(true);
    expect(config.packages).toEqual(["nginx-light"]);
    expect(config.write_files).toEqual([
      PASSWORDS_OFF,
      HOSTS,
      { path: "/usr/local/bin/a b", content: script, permissions: "0755" },
      { path: "/etc/plain", content: "x", permissions: "0644" },
    ]);
    expect(config.runcmd).toEqual([["systemctl", "start", "a b.timer"]]);
    expect(config.cloud_config_modules).toEqual(["runcmd"]);
    // In their order: a package that hangs must not keep the dead-man switch from starting.
    expect(config.cloud_final_modules).toEqual(["scripts-user", "package-update-upgrade-install"]);
  });

  it("runs what waits for the packages once they are there", () => {
    const config = parse(
      userData({ ...args, packages: ["nginx"], afterPackages: [["/lib/services", "enable", "it's"]] }),
    );
    expect(config.cloud_final_modules).toEqual(["package-update-upgrade-install", "scripts-per-instance"]);
    expect(config.write_files.at(-1)).toEqual({
      path: "/var/lib/cloud/scripts/per-instance/trilab",
      content: "#!/bin/sh\n/lib/services enable 'it'\\''s'\n",
      permissions: "0755",
    });
  });

  it("repeats the keys instead of pointing at them: not every reader follows YAML's anchors", () => {
    expect(userData(args)).not.toMatch(/[&*]a\d/);
  });

  it("may be as large as clouds take, and no larger", () => {
    const filled = (bytes: number) =>
      userData({ ...args, files: [{ path: "/f", content: "x".repeat(bytes) }] });
    const room = USER_DATA_LIMIT - Buffer.byteLength(filled(0));
    // An empty content is written as two quotes, which go when there is some.
    expect(Buffer.byteLength(filled(room + 2))).toBe(USER_DATA_LIMIT);
    expect(() => filled(room + 3)).toThrow(expect.objectContaining({ exitCode: ExitCode.usage }));
  });
});

it("meta-data names the instance", () => {
  expect(parse(metaData("trilab-l-s-vps"))).toEqual({
    "instance-id": "trilab-l-s-vps",
    "local-hostname": "trilab-l-s-vps",
    dsmode: "local",
  });
});

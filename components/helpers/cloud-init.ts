import { stringify } from "yaml";
import { ExitCode, UserError } from "../../base/errors.js";
import { quoted } from "../../base/shell-words.js";

/** A file that cloud-init writes before SSH starts. */
export interface CloudFile {
  /** Absolute. */
  path: string;
  content: string;
  /** Octal: `0644`. Default 0644. */
  mode?: string;
}

export interface UserDataArgs {
  hostname: string;
  /** The login user; created with uid 1000 if it does not exist. */
  user: string;
  /** OpenSSH public keys that may log in as the login user and as root. */
  userKeys: readonly string[];
  /** The SSH host key (the text of an OpenSSH ed25519 private key file) and its public half: made by us, so that clients can pin it. */
  hostKey: string;
  hostPublicKey: string;
  /** Debian packages to install at the first boot. Default none: nothing is fetched. */
  packages?: readonly string[];
  files?: readonly CloudFile[];
  /** Commands for the end of the first boot, before the packages are installed, each with its arguments. */
  run?: readonly (readonly string[])[];
  /** Commands to run after the packages are installed. */
  afterPackages?: readonly (readonly string[])[];
}

/** EC2's limit. */
export const USER_DATA_LIMIT = 16 * 1024;

/** Disables passwords before the first connection; the Debian image's own settings come later and don't contradict. */
const SSH_SETTINGS: CloudFile = {
  path: "/etc/ssh/sshd_config.d/01-trilab.conf",
  content: "PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\n",
};

/** As in the guest: cloud-init's own module would add a line to a file that a small image lacks. */
const hostsFile = (hostname: string): CloudFile => ({
  path: "/etc/hosts",
  content: `127.0.0.1\tlocalhost\n127.0.1.1\t${hostname}\n::1\tlocalhost ip6-localhost ip6-loopback\n`,
});

/** cloud-init has only one place for commands, so later ones go into a script file. */
const scriptOf = (commands: readonly (readonly string[])[]): CloudFile[] =>
  commands.length === 0
    ? []
    : [
        {
          path: "/var/lib/cloud/scripts/per-instance/trilab",
          content: `#!/bin/sh\n${commands.map((words) => `${quoted(words)}\n`).join("")}`,
          mode: "0755",
        },
      ];

/**
 * The cloud-init user-data of a rented machine: the same for every cloud, so that the rehearsal boots as EC2 does. Pure. Only
 * the modules with work are listed: under emulation, each module of cloud-init takes a second.
 *
 * @throws UserError (exit 2) when it is larger than clouds accept.
 */
export function userData(args: UserDataArgs): string {
  const { afterPackages = [], files = [], packages = [], run = [], user, userKeys } = args;
  const config = {
    hostname: args.hostname,
    preserve_hostname: false,
    users: [
      {
        name: user,
        uid: 1000,
        shell: "/bin/bash",
        lock_passwd: true,
        ssh_authorized_keys: [...userKeys],
      },
    ],
    // Without an owner, these files belong to root.
    disable_root: false,
    ssh_authorized_keys: [...userKeys],
    ssh_deletekeys: true,
    ssh_keys: { ed25519_private: args.hostKey, ed25519_public: args.hostPublicKey },
    ssh_quiet_keygen: true,
    no_ssh_fingerprints: true,
    write_files: [SSH_SETTINGS, hostsFile(args.hostname), ...files, ...scriptOf(afterPackages)].map(
      ({ path, content, mode = "0644" }) => ({
        path,
        content,
        permissions: mode,
      }),
    ),
    ...(packages.length > 0 ? { package_update: true, packages: [...packages] } : {}),
    ...(run.length > 0 ? { runcmd: run.map((command) => [...command]) } : {}),
    cloud_init_modules: ["write-files", "growpart", "resizefs", "set_hostname", "users-groups", "ssh"],
    cloud_config_modules: run.length > 0 ? ["runcmd"] : [],
    // Not in cloud-init's own order: the program that ends the machine in time must not wait for a package that hangs.
    cloud_final_modules: [
      ...(run.length > 0 ? ["scripts-user"] : []),
      ...(packages.length > 0 ? ["package-update-upgrade-install"] : []),
      ...(afterPackages.length > 0 ? ["scripts-per-instance"] : []),
    ],
  };
  // Without anchors: cloud-init understands them, but not every reader does.
  const text = `#cloud-config\n${stringify(config, { aliasDuplicateObjects: false, lineWidth: 0 })}`;
  const size = Buffer.byteLength(text);
  if (size > USER_DATA_LIMIT) {
    throw new UserError("the VPS's user-data is too large", {
      why: `it has ${size} bytes, clouds accept ${USER_DATA_LIMIT}`,
      fix: "use fewer or shorter keys (machine.authorizedKeys) and packages in lab.yaml",
      exitCode: ExitCode.usage,
    });
  }
  return text;
}

/**
 * The NoCloud meta-data of a machine. A changed instance id makes cloud-init run as at a first boot. `dsmode: local`: it
 * runs before the network is up, because nothing has to be fetched.
 */
export const metaData = (instanceId: string): string =>
  stringify({ "instance-id": instanceId, "local-hostname": instanceId, dsmode: "local" });

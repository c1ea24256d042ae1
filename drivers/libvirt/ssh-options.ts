import { quoted } from "../../base/shell-words.js";
import { hostnameOf } from "../../model/endpoint.js";

/** What takes an emulated guest the least CPU time (docs/speed.md); the other algorithms stay possible. */
const CHEAPEST = [
  ["-o", "KexAlgorithms=^ecdh-sha2-nistp256"],
  ["-o", "Ciphers=^aes128-gcm@openssh.com"],
];

/** What decides how ssh reaches a machine. */
export interface SshAccess {
  /** The seat's private key. */
  identityFile: string;
  /** Pins the machine's host key. */
  knownHostsFile: string;
  /** It runs without KVM. Default false. */
  emulated?: boolean;
}

/**
 * The options of OpenSSH's client for a machine of a seat, without the user's own configuration. Pure.
 *
 * @param jump The command through which it is reached, see {@link jumpCommand}; absent: directly.
 */
export const sshOptions = (
  { emulated = false, identityFile, knownHostsFile }: SshAccess,
  jump: string | undefined,
): string[] =>
  [
    ["-F", "none"],
    ["-o", `IdentityFile=${optionPath(identityFile)}`],
    ["-o", "IdentitiesOnly=yes"],
    ["-o", "StrictHostKeyChecking=yes"],
    ["-o", `UserKnownHostsFile=${optionPath(knownHostsFile)}`],
    // Through another host, or under emulation on a busy one, a handshake takes seconds.
    ["-o", "ConnectTimeout=15"],
    ["-o", "LogLevel=ERROR"],
    ...(emulated ? CHEAPEST : []),
    ...(jump === undefined ? [] : [["-o", `ProxyCommand=${jump}`]]),
  ].flat();

/**
 * The proxy command for a guest behind a `qemu+ssh://` host. It is a separate `ssh`, so that an alias, a port or a key in
 * ~/.ssh/config applies, and so does a key or a known hosts file in the URI. Pure.
 *
 * @returns `undefined` for a URI that is not reached through ssh.
 */
export function jumpCommand(uri: string): string | undefined {
  const url = URL.canParse(uri) ? new URL(uri) : undefined;
  if (!url?.protocol.endsWith("+ssh:") || !url.hostname) return undefined;
  const parameter = (name: string): string | undefined => url.searchParams.get(name) ?? undefined;
  const keyFile = parameter("keyfile");
  const knownHosts = parameter("known_hosts");
  const user = url.username && `${decodeURIComponent(url.username)}@`;
  const words = [
    "ssh",
    ...(url.port ? ["-p", url.port] : []),
    ...(keyFile ? ["-i", keyFile] : []),
    ...(knownHosts ? ["-o", `UserKnownHostsFile="${knownHosts}"`] : []),
    ...["-o", "BatchMode=yes", "-W", "[%h]:%p", "--", `${user}${hostnameOf(url)}`],
  ];
  // ssh passes this to a shell, after replacing its own % tokens.
  return words.map((word) => (word === "[%h]:%p" ? word : quoted([word]).replaceAll("%", "%%"))).join(" ");
}

/** A path as the value of an option of ssh: quoted, because it may contain spaces, with escaped % signs. Pure. */
export const optionPath = (path: string): string =>
  `"${path.replaceAll("%", "%%").replace(/["\\]/g, "\\$&")}"`;

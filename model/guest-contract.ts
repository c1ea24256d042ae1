import { z } from "zod";

/**
 * What a domain needs so that the matched image boots in it, as data. The image's side of the contract is images/rootfs
 * (trilab-identity) and images/initrd.
 */

/** A kernel command line: `key=value` pairs, and bare flags. */
export interface CommandLine {
  pairs: Readonly<Record<string, string>>;
  flags: readonly string[];
}

/** Mitigations, audit and AppArmor stay at Debian's defaults. */
const ALWAYS: CommandLine = {
  pairs: {
    root: "/dev/vda",
    console: "ttyS0",
    /** The one network card is eth0. */
    "net.ifnames": "0",
    /** The console shows only errors and worse. */
    loglevel: "4",
    /** systemd reports only failed and slow units. */
    "systemd.show_status": "error",
    /** Start SSH before the rest of the system. */
    "systemd.unit": "trilab-early.target",
    "random.trust_cpu": "1",
    /** Seconds after which a kernel that panicked reboots. Otherwise the machine would outlive the seat, because it ends itself from inside. */
    panic: "10",
  },
  flags: ["rw", "quiet"],
};

/**
 * Only for emulated kernels. On a busy host, the kernel measures the emulated TSC wrongly, so that its clock runs fast until
 * it notices; or it finds no timer at the first check, and panics.
 */
const EMULATED: CommandLine = { pairs: { tsc: "unstable" }, flags: ["no_timer_check"] };

/** The command line of a guest. */
export const kernelCommandLine = (accelerator: "kvm" | "tcg"): CommandLine =>
  accelerator === "kvm"
    ? ALWAYS
    : { pairs: { ...ALWAYS.pairs, ...EMULATED.pairs }, flags: [...ALWAYS.flags, ...EMULATED.flags] };

/**
 * The same for a rehearsed VPS: the whole system as Debian starts it, cloud-init before SSH. The hypervisor sets its address,
 * as a cloud does; cloud-init would request a lease.
 */
export function rentedCommandLine(accelerator: "kvm" | "tcg"): CommandLine {
  const { flags, pairs } = kernelCommandLine(accelerator);
  const { "systemd.unit": _, ...rest } = pairs;
  return { pairs: { ...rest, "network-config": "disabled" }, flags };
}

/** A guest's command line as one string, for raw domain XML. */
export const commandLineText = (accelerator: "kvm" | "tcg"): string =>
  commandLineWords(kernelCommandLine(accelerator)).join(" ");

/** A command line, word by word. */
export const commandLineWords = ({ flags, pairs }: CommandLine): string[] => [
  ...Object.entries(pairs).map(([key, value]) => `${key}=${value}`),
  ...flags,
];

/** Exits 0 inside guest and VPS after the rest of the system is up, too (SSH answers earlier). */
export const settledCommand = ["systemctl", "is-active", "--quiet", "multi-user.target"] as const;

const ipv4 = "(?:(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)\\.){3}(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)";

/** How many public keys a machine accepts. */
export const MAX_USER_KEYS = 16;

/** An OpenSSH public key in authorized_keys form, one line of ASCII, of a type that Debian's sshd still accepts. */
export const publicKeySchema = z
  .string()
  .max(1024)
  .regex(
    /^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp\d+|sk-[a-z0-9@.-]+) [A-Za-z0-9+/]+={0,2}( [\x20-\x7e]*)?$/,
    "is not an OpenSSH public key on one line of ASCII (ssh-ed25519, ssh-rsa, ecdsa-sha2-…, sk-…)",
  );

/** The fw_cfg entry that gives a guest its SSH host key, an OpenSSH private key file, instead of an SMBIOS string. */
export const HOST_KEY_ENTRY = "opt/trilab/host-key";

/** What distinguishes one guest from others; everything else is in the image. */
const guestIdentitySchema = z.strictObject({
  /** One RFC 1123 label, lower case. */
  hostname: z
    .string()
    .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, "want one lower-case label of at most 63 characters"),
  /** IPv4 address with prefix length: `10.1.2.3/28`. */
  address: z
    .string()
    .regex(new RegExp(`^${ipv4}/(?:[1-9]|[12]\\d|3[0-2])$`), "want an IPv4 address with prefix: 10.1.2.3/28"),
  /** IPv4 address of the default route; absent: no route out of the subnet. */
  gateway: z
    .string()
    .regex(new RegExp(`^${ipv4}$`), "want an IPv4 address")
    .optional(),
  /** IPv4 addresses of resolvers. */
  dns: z
    .array(z.string().regex(new RegExp(`^${ipv4}$`), "want an IPv4 address"))
    .max(3)
    .optional(),
  /** Public keys in authorized_keys form, authorised for the login user and for root. */
  userKeys: z.array(publicKeySchema).min(1).max(MAX_USER_KEYS),
  /**
   * The text of an unencrypted OpenSSH ed25519 private key file. Strings are on QEMU's command line, where every user of the
   * host can read them, so this is for temporary machines. Others get a file by {@link HOST_KEY_ENTRY}.
   */
  hostKey: z
    .string()
    .regex(/^-----BEGIN OPENSSH PRIVATE KEY-----\n[A-Za-z0-9+/=\n]+-----END OPENSSH PRIVATE KEY-----\n?$/, {
      error: "want the text of an OpenSSH private key file",
    })
    .optional(),
  /** When the machine ends itself, unless its disk has an expiry already: Unix seconds, or `never`. */
  expires: z
    .string()
    .regex(/^(never|[1-9]\d{0,11})$/, 'want Unix seconds or "never"')
    .optional(),
  /** Shown at login. At most 2 KiB. */
  motd: z.string().max(2048).optional(),
});

export type GuestIdentity = z.infer<typeof guestIdentitySchema>;

/**
 * The SMBIOS type 11 strings for `<sysinfo type='smbios'><oemStrings>`, in the order to write them.
 *
 * @throws Error listing every field that is wrong, never a value of the host key.
 */
export function oemStrings(identity: GuestIdentity): string[] {
  const checked = guestIdentitySchema.safeParse(identity);
  if (!checked.success) {
    const problems = checked.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`);
    throw new Error(`the guest's identity is not valid: ${problems.join("; ")}`);
  }
  const { hostname, userKeys, hostKey, expires, motd } = checked.data;
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  return [
    `trilab:hostname=${hostname}`,
    ...addressStrings(checked.data),
    ...userKeys.map((key) => `trilab:user-key=${key}`),
    ...(hostKey === undefined
      ? []
      : [`trilab:host-key=${base64(hostKey.endsWith("\n") ? hostKey : `${hostKey}\n`)}`]),
    ...(expires === undefined ? [] : [`trilab:expires=${expires}`]),
    ...(motd === undefined ? [] : [`trilab:motd=${base64(motd)}`]),
  ];
}

/** Only the network part, for a machine that gets its name and keys in another way. */
export function addressStrings({
  address,
  gateway,
  dns,
}: Pick<GuestIdentity, "address" | "gateway" | "dns">): string[] {
  return [
    `trilab:address=${address}`,
    ...(gateway === undefined ? [] : [`trilab:gateway=${gateway}`]),
    ...(dns === undefined || dns.length === 0 ? [] : [`trilab:dns=${dns.join(",")}`]),
  ];
}

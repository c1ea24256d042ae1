/**
 * Users and groups that exist in bookworm before the login user is created: base-passwd's static ones, and those of the base
 * packages. The login user's name is also a group's name, so neither may exist.
 */
const RESERVED: ReadonlySet<string> = new Set(
  [
    "root daemon bin sys sync adm tty disk lp mail news uucp man proxy kmem dialout fax voice cdrom floppy tape sudo audio dip",
    "www-data backup operator list irc src shadow utmp video sasl plugdev staff games users nogroup nobody",
    "_apt _ssh input kvm messagebus render sgx sshd systemd-journal systemd-network",
  ].flatMap((line) => line.split(" ")),
);

/** Whether Debian has a user or a group of that name already, so that `useradd` would refuse it. */
export const isReservedName = (name: string): boolean => RESERVED.has(name);

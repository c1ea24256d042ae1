/**
 * Users and groups that a bookworm root has before the login user is made: base-passwd's static ones, and those that
 * the base packages make. The login user's name is a group's name too, so neither may be taken.
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

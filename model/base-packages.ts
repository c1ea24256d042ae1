/**
 * The packages of every machine, before a lab adds its own. The container has the kernel and the init system, too, on
 * purpose: container and guest have the same files, so that differences between them don't come from the packages.
 */
export const basePackages: Readonly<Record<string, string>> = {
  "ca-certificates": "TLS from inside the machine: apt over https, curl",
  dbus: "logind and systemctl talk over it",
  iproute2: "the guest's address is set with it; `ip`, `ss`",
  "iputils-ping": "the first thing a learner types",
  "klibc-utils": "the guest's initrd is made from it: a shell, mount, insmod and run-init in 0.3 MB",
  kmod: "loads the kernel's modules",
  less: "pager of systemctl and journalctl",
  "libpam-systemd": "a login becomes a session, with its own scope and limits",
  "linux-image-cloud-amd64": "Debian's kernel for virtual machines: ext4 built in, virtio as modules",
  nano: "an editor a beginner can leave",
  "openssh-server": "the way in",
  procps: "`ps`, `top`, `free`, sysctl",
  systemd: "init",
  "systemd-sysv": "`/sbin/init`, `poweroff`, `reboot`",
  udev: "devices, and the power button's",
};

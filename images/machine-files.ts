import { readFileSync } from "node:fs";
import { join } from "node:path";
import { SERVICES_LIST, SERVICES_PROGRAM } from "../model/services.js";
import { rootfsDir, servicesDir } from "./assets.js";

/** A file of our image, for a machine that is made from another image. The mode is octal. */
interface MachineFile {
  path: string;
  content: string;
  mode: string;
}

const fileOf = (dir: string, path: string, mode: string): MachineFile => ({
  path,
  content: readFileSync(join(dir, path), "utf8"),
  mode,
});

/** The files of the program that ends the machine when its time is up. */
export const lifetimeFiles = (): MachineFile[] => [
  fileOf(rootfsDir, "/usr/local/lib/trilab/lifetime", "0755"),
  fileOf(rootfsDir, "/etc/systemd/system/trilab-lifetime.service", "0644"),
  fileOf(rootfsDir, "/etc/systemd/system/trilab-lifetime.timer", "0644"),
  fileOf(rootfsDir, "/etc/profile.d/trilab-lifetime.sh", "0644"),
];

/** The commands that start it. */
export const startLifetime = [
  ["systemctl", "daemon-reload"],
  ["systemctl", "enable", "--now", "trilab-lifetime.timer"],
] as const;

/** The program that starts a lab's services and reports their state, and its list. */
export const serviceFiles = (services: readonly string[]): MachineFile[] =>
  services.length === 0
    ? []
    : [
        fileOf(servicesDir, SERVICES_PROGRAM, "0755"),
        { path: SERVICES_LIST, content: services.map((name) => `${name}\n`).join(""), mode: "0644" },
      ];

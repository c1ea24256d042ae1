import { readFileSync } from "node:fs";
import { join } from "node:path";
import { rootfsDir } from "./assets.js";

/** The dead-man switch's files, which our image has, for a machine made from another: path, text, octal mode. */
export const lifetimeFiles = (): { path: string; content: string; mode: string }[] =>
  [
    ["/usr/local/lib/trilab/lifetime", "0755"],
    ["/etc/systemd/system/trilab-lifetime.service", "0644"],
    ["/etc/systemd/system/trilab-lifetime.timer", "0644"],
    ["/etc/profile.d/trilab-lifetime.sh", "0644"],
  ].map(([path = "", mode = ""]) => ({ path, content: readFileSync(join(rootfsDir, path), "utf8"), mode }));

/** What starts it there. */
export const startLifetime = [
  ["systemctl", "daemon-reload"],
  ["systemctl", "enable", "--now", "trilab-lifetime.timer"],
] as const;

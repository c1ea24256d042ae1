import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { which } from "../../base/privilege.js";
import { domainXslt, networkXslt } from "../../components/helpers/domain-xslt.js";
import { libvirtFile } from "../../engine/layout.js";
import { versions } from "../../engine/versions.js";
import { LOCAL } from "../../model/endpoint.js";
import { kernelCommandLine, oemStrings } from "../../model/guest-contract.js";
import { MiB } from "../../model/units.js";
import { waitForSsh } from "../../test/support/raw-guest.js";
import type { Cleanup } from "../cleanup.js";
import type { Contestant } from "../figures.js";
import { settled } from "../guest-watch.js";
import { run, tidy, unlessAborted } from "../run.js";
import { LAB, type Place, placeFor, type Scene } from "../scene.js";

/**
 * The same guest, made by Terraform with the same provider binary, kernel, initrd, base volume, SMBIOS strings and XSLT as
 * trilab's. So only the tool differs. (The usual way with this provider, a cloud image with a cloud-init disk and a wait for a
 * lease, would take several times as long.)
 */
export function terraformPeer(scene: Scene, cleanup: Cleanup): Contestant | undefined {
  if (which("terraform") === undefined) return undefined;
  const dir = join(scene.dir, "terraform");
  const env = { TF_CLI_CONFIG_FILE: join(dir, "cli.tfrc"), CHECKPOINT_DISABLE: "1", TF_IN_AUTOMATION: "1" };
  const terraform = (...args: string[]) => run("terraform", [...args, "-no-color"], { cwd: dir, env });
  const approved = ["-auto-approve", "-input=false"];
  let place: Place;
  return {
    name: "terraform",
    lines: ["c", "d", "e"],
    optional: true,
    async prepare() {
      place = await placeFor(scene, "tf");
      await mkdir(dir);
      await writeMirror(dir, env.TF_CLI_CONFIG_FILE);
      await writeFile(join(dir, "main.tf.json"), JSON.stringify(configuration(scene, place), null, 2));
      cleanup.add("terraform's guest", async () => {
        for (const args of [
          ["destroy", place.name],
          ["undefine", place.name],
          ["net-destroy", place.name],
          ["net-undefine", place.name],
          ["pool-destroy", place.name],
        ])
          await tidy("virsh", "--connect", LOCAL.libvirt.uri, "--quiet", ...args);
      });
      await mkdir(join(dir, "pool"));
      await run("virsh", ["--quiet", "pool-create-as", place.name, "dir", "--target", join(dir, "pool")]);
      await terraform("init", "-input=false");
    },
    async round(figures) {
      const started = performance.now();
      await terraform("apply", ...approved);
      figures.add("c", "terraform", await unlessAborted(waitForSsh(place.ssh, started)));
      await settled(place.ssh);
      const again = await terraform("apply", ...approved);
      figures.add("d", "terraform", again.seconds);
      if (!again.stdout.includes("0 added, 0 changed, 0 destroyed"))
        figures.note("terraform's second apply changed something");
      figures.add("e", "terraform", (await terraform("destroy", ...approved)).seconds);
    },
  };
}

/** Puts the provider's binary where `terraform init` finds it without a registry. */
async function writeMirror(dir: string, configFile: string): Promise<void> {
  const mirror = join(dir, "mirror");
  const source = "registry.terraform.io/dmacvicar/libvirt";
  const home = join(mirror, source, versions.libvirt, "linux_amd64");
  await mkdir(home, { recursive: true });
  await symlink(libvirtFile(), join(home, `terraform-provider-libvirt_v${versions.libvirt}`));
  await writeFile(
    configFile,
    `provider_installation {\n  filesystem_mirror {\n    path = "${mirror}"\n    include = ["${source}"]\n  }\n}\n`,
  );
}

/** A reference to another resource's attribute, in Terraform's syntax. */
const of = (attribute: string): string => `\${${attribute}}`;

/** The same as components/libvirt-guest.ts, in Terraform's configuration language. */
function configuration(scene: Scene, place: Place): object {
  const { accelerator, base, spec } = scene;
  const commandLine = kernelCommandLine(accelerator);
  const now = new Date().toISOString();
  const xslt = domainXslt({
    oemStrings: oemStrings(place.identity),
    ownership: { lab: LAB, seat: place.name, owner: "bench", created: now, expires: "never" },
    target: "guest",
    diskFile: join(scene.dir, "terraform", "pool", `${place.name}.qcow2`),
    consoleLog: join(scene.dir, "terraform", "console.log"),
    accelerator,
  });
  return {
    terraform: {
      required_providers: { libvirt: { source: "dmacvicar/libvirt", version: versions.libvirt } },
    },
    provider: { libvirt: { uri: LOCAL.libvirt.uri } },
    resource: {
      libvirt_network: {
        guest: {
          name: place.name,
          mode: "nat",
          bridge: place.bridge,
          addresses: [place.subnet.cidr],
          dhcp: { enabled: false },
          dns: { enabled: true },
          autostart: true,
          xml: { xslt: networkXslt() },
        },
      },
      libvirt_volume: {
        guest: {
          name: `${place.name}.qcow2`,
          pool: place.name,
          base_volume_name: base.volume,
          base_volume_pool: "trilab-images",
          size: spec.disk,
          format: "qcow2",
        },
      },
      libvirt_domain: {
        guest: {
          name: place.name,
          type: accelerator === "kvm" ? "kvm" : "qemu",
          arch: "x86_64",
          machine: "pc",
          memory: Math.floor(spec.memory / MiB),
          vcpu: spec.cpus,
          ...(accelerator === "kvm" ? { cpu: { mode: "host-passthrough" } } : {}),
          kernel: base.kernel,
          initrd: base.initrd,
          cmdline: [commandLine.pairs, { _: commandLine.flags.join(" ") }],
          disk: [{ volume_id: of("libvirt_volume.guest.id") }],
          network_interface: [
            {
              network_id: of("libvirt_network.guest.id"),
              mac: place.mac.toUpperCase(),
              wait_for_lease: false,
            },
          ],
          console: [{ type: "pty", target_port: "0", target_type: "serial" }],
          autostart: true,
          running: true,
          xml: { xslt },
        },
      },
    },
  };
}

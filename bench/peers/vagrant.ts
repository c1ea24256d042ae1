import { mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { which } from "../../base/privilege.js";
import { LOCAL } from "../../model/endpoint.js";
import { commandLineText, oemStrings } from "../../model/guest-contract.js";
import { MiB } from "../../model/units.js";
import { startRawNetwork } from "../../test/support/raw-guest.js";
import type { Cleanup } from "../cleanup.js";
import type { Contestant } from "../figures.js";
import { settled } from "../guest-watch.js";
import { run, tidy } from "../run.js";
import { type Place, placeFor, type Scene } from "../scene.js";

/** libvirt's own helper, which dnsmasq calls for each new lease. */
const LEASES_HELPER = "/usr/lib/libvirt/libvirt_leaseshelper";

/**
 * The same guest, made by Vagrant with vagrant-libvirt, with the same kernel, initrd, disk and SMBIOS strings. Vagrant finds a
 * guest's address only in libvirt's leases, and this image requests none. So the lease is added before the measurement, and
 * network and box are made before it, too. All of this makes Vagrant faster.
 */
export function vagrantPeer(scene: Scene, cleanup: Cleanup): Contestant | undefined {
  if (which("vagrant") === undefined) return undefined;
  const dir = join(scene.dir, "vagrant");
  const env = { VAGRANT_HOME: join(dir, "home"), VAGRANT_CHECKPOINT_DISABLE: "1" };
  const vagrant = (...args: string[]) =>
    run("vagrant", [...args, "--no-color", "--no-tty"], { cwd: dir, env });
  let place: Place;
  return {
    name: "vagrant",
    lines: ["c", "d", "e"],
    optional: true,
    async prepare() {
      place = await placeFor(scene, "vagrant");
      cleanup.add("vagrant's guest", () => removeAll(place));
      await writeBox(scene, join(env.VAGRANT_HOME, "boxes", place.name, "0", "libvirt"));
      await mkdir(join(dir, "pool"));
      await writeFile(join(dir, "Vagrantfile"), vagrantfile(scene, place));
      await run("virsh", ["--quiet", "pool-create-as", place.name, "dir", "--target", join(dir, "pool")]);
      await startRawNetwork({ ...place, ...place.subnet });
      await run(LEASES_HELPER, ["add", place.mac, place.subnet.address, place.name], {
        env: {
          VIR_BRIDGE_NAME: place.bridge,
          DNSMASQ_LEASE_EXPIRES: String(Math.round(Date.now() / 1000) + 86_400),
        },
      });
    },
    async round(figures) {
      figures.add("c", "vagrant", (await vagrant("up", "--provider=libvirt")).seconds);
      await settled(place.ssh);
      figures.add("d", "vagrant", (await vagrant("up")).seconds);
      figures.add("e", "vagrant", (await vagrant("destroy", "-f")).seconds);
    },
  };
}

async function removeAll(place: Place): Promise<void> {
  for (const args of [
    ["destroy", place.name],
    ["undefine", place.name],
    ["net-destroy", place.name],
    ["net-undefine", place.name],
    ["pool-destroy", place.name],
  ])
    await tidy("virsh", "--connect", LOCAL.libvirt.uri, "--quiet", ...args);
  await rm(`/var/lib/libvirt/dnsmasq/${place.bridge}.status`, { force: true });
}

/** Writes a box as `vagrant box add` would unpack it. Its disk is a link to the base volume. */
async function writeBox(scene: Scene, dir: string): Promise<void> {
  await mkdir(dir, { recursive: true });
  const virtualSize = Math.ceil(scene.spec.disk / (1024 * MiB));
  const metadata = { provider: "libvirt", format: "qcow2", virtual_size: virtualSize };
  await writeFile(join(dir, "metadata.json"), JSON.stringify(metadata));
  await writeFile(join(dir, "Vagrantfile"), 'Vagrant.configure("2") { |config| }\n');
  await symlink(scene.base.disk, join(dir, "box.img"));
}

function vagrantfile(scene: Scene, place: Place): string {
  const { accelerator, base, spec } = scene;
  // A JSON string without "#" is also a Ruby string.
  const ruby = (text: string): string => JSON.stringify(text).replaceAll("#", "\\#");
  return `Vagrant.configure("2") do |config|
  config.vm.define ${ruby(place.name)}
  config.vm.box = ${ruby(place.name)}
  config.vm.box_check_update = false
  config.vm.guest = :debian
  config.vm.boot_timeout = 120
  config.vm.synced_folder ".", "/vagrant", disabled: true
  config.vm.allow_fstab_modification = false
  # Vagrant needs sudo, which the image does not have, so it logs in as root.
  config.ssh.username = "root"
  config.ssh.sudo_command = "%c"
  config.ssh.private_key_path = ${ruby(place.ssh.keyPath)}
  config.ssh.insert_key = false
  config.vm.provider :libvirt do |v|
    v.uri = ${ruby(LOCAL.libvirt.uri)}
    v.driver = ${ruby(accelerator === "kvm" ? "kvm" : "qemu")}
    v.cpu_mode = ${ruby(accelerator === "kvm" ? "host-passthrough" : "custom")}
    v.memory = ${Math.floor(spec.memory / MiB)}
    v.cpus = ${spec.cpus}
    v.machine_type = "pc"
    v.machine_arch = "x86_64"
    v.features = ["acpi", "apic"]
    v.kernel = ${ruby(base.kernel)}
    v.initrd = ${ruby(base.initrd)}
    v.cmd_line = ${ruby(commandLineText(accelerator))}
    v.sysinfo = { "oem strings" => [${oemStrings(place.identity).map(ruby).join(", ")}] }
    v.graphics_type = "none"
    v.memballoon_enabled = false
    v.default_prefix = ""
    v.storage_pool_name = ${ruby(place.name)}
    v.management_network_name = ${ruby(place.name)}
    v.management_network_address = ${ruby(place.subnet.cidr)}
    v.management_network_mac = ${ruby(place.mac)}
    v.management_network_keep = true
  end
end
`;
}

/** The storage pools on every libvirt host: the seats' disks, and their read-only base images. */
export const DISK_POOL = { name: "trilab", path: "/var/lib/libvirt/images/trilab" } as const;
export const IMAGE_POOL = { name: "trilab-images", path: "/var/lib/libvirt/images/trilab-images" } as const;

export const POOLS = [DISK_POOL, IMAGE_POOL] as const;

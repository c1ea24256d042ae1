const GiB = 2 ** 30;
/** The size of Debian's images on AWS, in GiB; a root disk can't be smaller. */
const LEAST_DISK_GIB = 8;

/** The smallest whole number of GiB for a disk of this many bytes and Debian's image. */
export const awsDiskGiB = (bytes: number): number => Math.max(LEAST_DISK_GIB, Math.ceil(bytes / GiB));

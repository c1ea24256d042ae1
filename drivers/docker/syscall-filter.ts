import type Docker from "dockerode";
import { passOver } from "./connect.js";
import { removeLeftovers } from "./leftovers.js";
import { isSnapshotImage } from "./snapshot.js";

/** Of the container, so that a later command finds it when this one is killed. */
const LABEL = "trilab-tries-syscalls";

/** Exit codes below it are the shell's or Docker's: what the program found is added to it. */
const FOUND = 64;

/**
 * Tries both from inside. io_uring_setup has this number on every architecture; anything but EPERM and ENOSYS means that
 * the kernel itself looked at the call. 40 is AF_VSOCK.
 */
const PROGRAM = `my $ring = syscall(425, 1, 0) >= 0 || ($! != 1 && $! != 38); my $vsock = socket(my $s, 40, 1, 0);
exit ${FOUND} + ($ring ? 1 : 0) + ($vsock ? 2 : 0)`;

/**
 * What the daemon's system call filter lets through to the host's kernel though no seat needs it, found out by a container
 * that tries. Newer daemons' default profiles refuse both: io_uring, which has had many holes, and AF_VSOCK, by which a
 * virtual machine talks to the hypervisor below it.
 *
 * @param profile Another profile than the daemon's default, as a security option.
 * @returns `undefined` when there is no image of trilab's to try it with.
 */
export async function unfilteredCalls(
  docker: Docker,
  profile?: `seccomp=${string}`,
): Promise<string[] | undefined> {
  await removeLeftovers(docker, LABEL);
  const images = await docker.listImages({ filters: { label: ["trilab.image"] } });
  // A snapshot's image may be removed at any moment.
  const image = images.find((each) => !isSnapshotImage(each));
  if (image === undefined) return undefined;
  const container = await docker.createContainer({
    Image: image.Id,
    Labels: { [LABEL]: "" },
    Entrypoint: ["perl", "-e", PROGRAM],
    HostConfig: {
      NetworkMode: "none",
      CapDrop: ["ALL"],
      SecurityOpt: ["no-new-privileges", ...(profile ? [profile] : [])],
    },
  });
  try {
    await container.start();
    const { StatusCode } = (await container.wait()) as { StatusCode: number };
    const found = StatusCode - FOUND;
    if (found < 0 || found > 3)
      throw new Error(`a container that tried it ended with exit code ${StatusCode}`);
    return [...(found & 1 ? ["io_uring"] : []), ...(found & 2 ? ["AF_VSOCK"] : [])];
  } finally {
    await container.remove({ force: true }).catch(passOver(404));
  }
}

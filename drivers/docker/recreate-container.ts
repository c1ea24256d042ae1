import type Docker from "dockerode";
import { pollUntil } from "../../base/poll.js";
import { asking, lookUp, passOver, statusOf } from "./connect.js";
import { fillHome, type SavedHome } from "./snapshot.js";

/** How long the removal of a container may take, in milliseconds. */
const REMOVAL_MS = 30_000;

/** What a container and its volumes are made from. Plain JSON, so that it can be stored. */
export interface ContainerDefinition {
  container: Docker.ContainerCreateOptions & { name: string };
  volumes: Docker.VolumeCreateOptions[];
}

/** A container's network, and its fixed address there. */
export interface ContainerAddress {
  network: string;
  address: string;
}

/**
 * Reads what a container and its volumes are made from, with the limits that they have now.
 *
 * @param at Its network: somebody may have disconnected it.
 * @returns `undefined` when there is no such container.
 */
export async function definitionOf(
  docker: Docker,
  name: string,
  at: ContainerAddress,
): Promise<ContainerDefinition | undefined> {
  const what = `container "${name}" can't be read`;
  const info = await lookUp(what, () => docker.getContainer(name).inspect());
  if (info === undefined) return undefined;
  const volumes = info.Mounts.flatMap(({ Name, Type }) => (Type === "volume" && Name ? [Name] : []));
  return definitionFrom(
    info,
    await Promise.all(
      volumes.map((volume) =>
        asking(`its volume "${volume}" can't be read`, () => docker.getVolume(volume).inspect()),
      ),
    ),
    at,
  );
}

/** The same from what Docker says of them. Pure. */
export function definitionFrom(
  { Config, HostConfig, Name }: Pick<Docker.ContainerInspectInfo, "Config" | "HostConfig" | "Name">,
  volumes: readonly Docker.VolumeInspectInfo[],
  { address, network }: ContainerAddress,
): ContainerDefinition {
  return {
    container: {
      ...Config,
      name: Name.replace(/^\//, ""),
      HostConfig,
      NetworkingConfig: { EndpointsConfig: { [network]: { IPAMConfig: { IPv4Address: address } } } },
    } as ContainerDefinition["container"],
    volumes: volumes.map(({ Driver, Labels, Name: volume, Options }) => ({
      Name: volume,
      Driver,
      Labels: Labels ?? {},
      DriverOpts: Options ?? {},
    })),
  };
}

/** What a container is made from. */
export interface ContainerContent {
  /** A tag, or an id. */
  image: string;
  /** Absent: Docker fills an empty volume with what the image has in its place. */
  home?: SavedHome;
}

/**
 * Removes a container and its volumes with all that is in them, if they are there, and makes them again.
 *
 * @returns its new id. It is not started.
 */
export async function recreateContainer(
  docker: Docker,
  { container, volumes }: ContainerDefinition,
  { home, image }: ContainerContent,
): Promise<string> {
  const what = `container "${container.name}" could not be made anew`;
  await remove(docker.getContainer(container.name), what);
  for (const volume of volumes) {
    await asking(what, () =>
      docker
        .getVolume(volume.Name ?? "")
        .remove()
        .catch(passOver(404)),
    );
    await asking(what, () => docker.createVolume(volume));
    if (home && home.volume === volume.Name) await fillHome(docker, home, `${container.name}-filler`);
  }
  const made = await asking(what, () => docker.createContainer({ ...container, Image: image }));
  return made.id;
}

/** Removes a container. Another command may have begun with that, and was killed: Docker then finishes it, or gives it up. */
async function remove(container: Docker.Container, what: string): Promise<void> {
  let refused: unknown;
  const isGone = async (): Promise<boolean> => {
    try {
      await container.remove({ force: true, v: false }).catch(passOver(404));
      return true;
    } catch (error) {
      refused = error;
      if (statusOf(error) === 409) return false;
      throw error;
    }
  };
  await asking(what, async () => {
    if (!(await pollUntil(isGone, { limitMs: REMOVAL_MS, everyMs: 100 }))) throw refused;
  });
}

import type Docker from "dockerode";
import { homeVolumeName, machineName, type SeatId } from "../../../model/naming.js";
import { SWARM_LABEL } from "../../../model/swarm.js";
import type { Inventory, Labelled } from "../../found.js";
import { asking } from "../connect.js";
import { thing } from "../driver.js";
import type { KnownNode, Nodes } from "./nodes.js";
import { currentTask, hostname, type Node, stateOf, type Task, tasksOf } from "./tasks.js";

type Labels = Record<string, string>;

/** A volume that the Swarm made on a node. */
interface Home {
  name: string;
  node: string;
  labels: Labels;
}

/** A task's container on a node. */
interface TaskContainer {
  name: string;
  id: string;
  node: string;
  state: string;
}

/** The tasks of all services. */
export const allTasks = (manager: Docker): Promise<Task[]> =>
  asking("the tasks of the Swarm could not be listed", () => manager.listTasks());

/**
 * What a Swarm has of one seat, by label and by name; without a seat, of every seat, by label. Nodes from which the manager does not
 * hear are left out: see Nodes.lost().
 */
export async function swarmInventory(manager: Docker, nodes: Nodes, seat?: SeatId): Promise<Inventory> {
  const label = seat ? [`trilab.lab=${seat.lab}`, `trilab.seat=${seat.seat}`] : ["trilab.seat"];
  const name = seat && machineName(seat, "container");
  // Few calls, because each may be a login by ssh. So the manager lists all, and what is meant is chosen here.
  const [services, networks, tasks, all] = await Promise.all([
    asking("the services of the Swarm could not be listed", () => manager.listServices()),
    asking("the networks of the Swarm could not be listed", () =>
      manager.listNetworks({ filters: { scope: ["swarm"] } }),
    ),
    allTasks(manager),
    nodes.all(),
  ]);
  const ready = await nodes.ready(all);
  const isMeant = (text: string | undefined, labels: Labels | undefined): boolean =>
    seat === undefined
      ? labels?.["trilab.seat"] !== undefined
      : text === name || (labels?.["trilab.lab"] === seat.lab && labels["trilab.seat"] === seat.seat);
  const meant = services.filter(({ Spec }) => isMeant(Spec?.Name, Spec?.Labels));
  const [homes, containers] = await Promise.all([
    Promise.all(ready.map((node) => homesOn(node, label, seat))).then((each) => each.flat()),
    // While the service is there, they are its own.
    name === undefined || meant.length > 0
      ? []
      : Promise.all(ready.map((node) => containersOn(node, name))).then((each) => each.flat()),
  ]);
  const found: Labelled[] = [
    ...meant.map((service) => {
      const item = thing(
        "container",
        service.Spec?.Name ?? service.ID,
        service.ID,
        stateOf(currentTask(tasksOf(tasks, service.ID))),
        service.Spec?.Labels,
      );
      return { ...item, found: { ...item.found, ...placeOf(service, tasks, homes, all) } };
    }),
    ...networks
      .filter(({ Labels, Name, Scope }) => Scope === "swarm" && isMeant(Name, Labels))
      .map((n) => thing("container network", n.Name, n.Id, "", n.Labels)),
    ...homes.map((home) => thing("container home", home.name, onNode(home.node, home.name), "", home.labels)),
    ...containers.map(({ id, name: container, node, state }) =>
      thing("container", container, onNode(node, id), state, undefined),
    ),
  ];
  const unique = new Map(found.map((item) => [`${item.found.kind} ${item.found.id}`, item]));
  return { labelled: [...unique.values()], named: [] };
}

/** The id of what only one node has: its name there may be the same on another node. */
const onNode = (node: string, id: string): string => `${node}/${id}`;

/** The node and the id there; `undefined` for what the manager has. Pure. */
export function partOfNode(id: string): { node: string; id: string } | undefined {
  const [, node, there] = /^([^/]+)\/(.+)$/.exec(id) ?? [];
  return node !== undefined && there !== undefined ? { node, id: there } : undefined;
}

/**
 * Where a service's container is, and on which other nodes its homes are. A node that can't be looked at has one if the container was
 * there.
 */
function placeOf(
  { ID, Spec }: Docker.Service,
  tasks: readonly Task[],
  homes: readonly Home[],
  nodes: readonly Node[],
): { node?: string; homesElsewhere?: string[] } {
  const own = tasksOf(tasks, ID);
  const nodeOf = (task: Task | undefined): Node | undefined => nodes.find((n) => n.ID === task?.NodeID);
  const current = nodeOf(currentTask(own));
  if (current === undefined) return {};
  const lost = own.flatMap((task) => nodeOf(task) ?? []).filter(({ Status }) => Status.State !== "ready");
  const seen = homes.filter((home) => home.name === `${Spec?.Name}-home`).map(({ node }) => node);
  const node = hostname(current);
  const elsewhere = [...new Set([...lost.map(hostname), ...seen])].filter((other) => other !== node).sort();
  return { node, ...(elsewhere.length > 0 ? { homesElsewhere: elsewhere } : {}) };
}

/** The homes of Swarm seats that a node's own daemon has. */
async function homesOn(
  { driver, name: node }: KnownNode,
  label: string[],
  seat: SeatId | undefined,
): Promise<Home[]> {
  const list = (filters: Record<string, string[]>): Promise<Docker.VolumeInspectInfo[]> =>
    asking(
      `the volumes of node ${node} could not be listed`,
      async () => (await driver.client.listVolumes({ filters })).Volumes ?? [],
    );
  const volumes = await Promise.all([
    // One of this name that somebody made without labels counts, too.
    ...(seat ? [list({ name: [`^${homeVolumeName(seat)}$`] })] : []),
    list({ label: [SWARM_LABEL, ...label] }),
  ]);
  const unique = new Map(volumes.flat().map((volume) => [volume.Name, volume]));
  return [...unique.values()].map(({ Labels, Name }) => ({ name: Name, node, labels: Labels ?? {} }));
}

/** The containers of a service that a node has, running or not. */
export async function containersOn(
  { driver, name: node }: KnownNode,
  service: string,
): Promise<TaskContainer[]> {
  const filters = { label: [`com.docker.swarm.service.name=${service}`] };
  const found = await asking(`the containers of node ${node} could not be listed`, () =>
    driver.client.listContainers({ all: true, filters }),
  );
  return found.map(({ Id, Names, State }) => ({
    name: (Names[0] ?? Id).replace(/^\//, ""),
    ...{ id: Id, node, state: State },
  }));
}

/** A task of a Swarm, as the manager's API lists it; what we read of it. */
export interface Task {
  ID: string;
  ServiceID: string;
  NodeID?: string;
  Slot?: number;
  CreatedAt: string;
  Spec?: { Resources?: { Limits?: { Pids?: number } } };
  DesiredState: string;
  Status: { State: string; Err?: string; ContainerStatus?: { ContainerID?: string } };
}

/** A node of a Swarm, as the manager's API lists it; what we read of it. */
export interface Node {
  ID: string;
  Description?: { Hostname?: string; Resources?: { NanoCPUs?: number; MemoryBytes?: number } };
  Status: { State: string };
  Spec: { Availability: string };
}

export const hostname = ({ Description, ID }: Node): string => Description?.Hostname ?? ID;

/** The tasks of one service, the newest first. Pure. */
export const tasksOf = (tasks: readonly Task[], serviceId: string): Task[] =>
  tasks
    .filter(({ ServiceID }) => ServiceID === serviceId)
    .sort((a, b) => Date.parse(b.CreatedAt) - Date.parse(a.CreatedAt));

/** The task that the Swarm wants to run, else the last one. @param tasks Of one service, the newest first. Pure. */
export const currentTask = (tasks: readonly Task[]): Task | undefined =>
  tasks.find(({ DesiredState }) => DesiredState === "running") ?? tasks[0];

/** A task in one of these states will run if nothing fails. `pending` means that no node was found for it yet. */
const STARTING = ["assigned", "accepted", "preparing", "ready", "starting"];

/**
 * A service's state in a word for its container: `running`; `exited` if its program ended at its time; `pending` and `starting`
 * while the Swarm makes it anew; `ending`; `created` if it was never told to run; else the Swarm's own word for its task. Pure.
 */
export function stateOf(task: Task | undefined): string {
  if (task === undefined) return "created";
  const { State } = task.Status;
  if (State === "complete") return "exited";
  if (State === "new") return "pending";
  if (task.DesiredState !== "running" && task.DesiredState !== "ready")
    // The Swarm has told it to end, and not yet heard that it did.
    return State === "running" || STARTING.includes(State) ? "ending" : State;
  return STARTING.includes(State) ? "starting" : State;
}

/** The name that a node gives to a task's container. Pure. */
export const containerName = (service: string, { ID, Slot = 1 }: Task): string => `${service}.${Slot}.${ID}`;

import { connect } from "node:net";
import { type Clone, HostCostError, type Machine, type MachineSize, type MemoryCost } from "../machine.js";

/** Milliseconds that a machine on the other side of the world gets to accept a connection. */
const CONNECT_LIMIT = 5_000;

const UNSEEN = "a rented machine's host is its provider's: what it costs there can't be seen from here";
const NO_SWITCH = "a rented machine is not switched off to be measured: it would lose its address";
const FIXED = "the size of a rented machine is its instance type's";

/** A VPS on somebody else's host, from the outside: all that can be seen is whether it answers. */
export class RentedMachine implements Machine {
  readonly target = "vps";

  constructor(
    readonly name: string,
    private readonly address: string,
  ) {}

  async start(): Promise<void> {
    if (!(await this.running())) throw new HostCostError(`${this.name} does not answer at ${this.address}`);
  }

  async stop(): Promise<void> {
    throw new HostCostError(NO_SWITCH);
  }

  /** Whether something accepts connections at its SSH port. */
  running(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect({ host: this.address, port: 22, timeout: CONNECT_LIMIT });
      const end = (answers: boolean) => () => {
        socket.destroy();
        resolve(answers);
      };
      socket.once("connect", end(true)).once("timeout", end(false)).once("error", end(false));
    });
  }

  async memory(): Promise<MemoryCost> {
    throw new HostCostError(UNSEEN);
  }

  async disk(): Promise<number> {
    throw new HostCostError(UNSEEN);
  }

  async cpuSeconds(): Promise<number> {
    throw new HostCostError(UNSEEN);
  }

  async pin(): Promise<undefined> {
    return undefined;
  }

  async diskFree(): Promise<number> {
    throw new HostCostError(UNSEEN);
  }

  async size(): Promise<MachineSize> {
    throw new HostCostError(FIXED);
  }

  async resize(): Promise<void> {
    throw new HostCostError(FIXED);
  }

  async clone(): Promise<Clone> {
    throw new HostCostError("another rented machine would cost money that nobody asked to spend");
  }
}

/** Whether it shares this host with others: they can be pinned together, and be each other's neighbours. */
export const isOnThisHost = (machine: Machine): boolean => !(machine instanceof RentedMachine);

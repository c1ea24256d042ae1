import { connect } from "node:net";
import type { MachineSize } from "../../model/machine-size.js";
import {
  type Clone,
  HostCostError,
  type HostProcess,
  type Machine,
  type MemoryCost,
  type StoredImage,
  type Unpacked,
} from "../machine.js";

/** How long a machine, perhaps far away, may take to accept a connection, in milliseconds. */
const CONNECT_LIMIT = 5_000;

const UNSEEN = "a rented machine's host belongs to its provider, so its cost there can't be measured";
const NO_SWITCH = "a rented machine is not switched off for measuring, because it would lose its address";
const NO_OTHER = "another rented machine would cost extra money";
const FIXED = "the size of a rented machine is fixed by its instance type";

/** A rented VPS, seen from outside: we only know whether it answers. */
export class RentedMachine implements Machine {
  readonly target = "vps";

  constructor(
    readonly name: string,
    private readonly address: string,
  ) {}

  /** It shares its host with nobody that we know. */
  get host(): string {
    return this.address;
  }

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

  async process(): Promise<HostProcess> {
    throw new HostCostError(UNSEEN);
  }

  async image(): Promise<StoredImage> {
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

  async resizeProblem(): Promise<undefined> {
    return undefined;
  }

  async resize(): Promise<void> {
    throw new HostCostError(FIXED);
  }

  async clone(): Promise<Clone> {
    throw new HostCostError(NO_OTHER);
  }

  async pack(): Promise<void> {
    throw new HostCostError(UNSEEN);
  }

  async unpack(): Promise<Unpacked> {
    throw new HostCostError(NO_OTHER);
  }
}

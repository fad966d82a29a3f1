// A device of memory with a doorbell (as QEMU's ivshmem): whoever embeds the system sees the same bytes as the driver that
// attaches the range, and rings by an interrupt. The driver rings back by a port.
//
//   memory   base, size     the shared bytes
//   port     doorbell       write: rings the host with the value; read: the value the host rang with last
//   irq                     edge: the host rang
import type { Capability, Dataspace } from "../../session/index.ts";
import type { OwnedDataspace } from "../service/dataspaces.ts";
import type { Device, MemoryRange, PortRange } from "./device.ts";
import { InterruptLine } from "./interrupt-line.ts";

export interface SharedMemoryOptions {
  readonly name: string;
  /** Physical address of the range. */
  readonly base: number;
  /** Belongs to the device. */
  readonly memory: OwnedDataspace;
  readonly doorbell: number;
  readonly irq: number;
  /** Called when the driver rings. */
  readonly rang: (value: number) => void;
}

export class SharedMemoryDevice implements Device {
  readonly name: string;
  readonly memory: readonly MemoryRange[];
  readonly ports: readonly PortRange[];
  readonly interrupts: readonly InterruptLine[];
  readonly #line: InterruptLine;
  readonly #owned: OwnedDataspace;
  #value = 0;

  constructor({ name, base, memory, doorbell, irq, rang }: SharedMemoryOptions) {
    this.name = name;
    this.#owned = memory;
    this.#line = new InterruptLine(irq, "edge");
    this.interrupts = [this.#line];
    this.memory = [{ base, size: memory.size, dataspace: memory.capability }];
    this.ports = [{ base: doorbell, size: 1, read: () => this.#value, write: (_, value) => rang(value & 0xff) }];
  }

  /** How the host reads and writes the bytes. */
  get dataspace(): Capability<Dataspace> {
    return this.#owned.capability;
  }

  /** The host rings. @param value 0 to 255 */
  ring(value: number): void {
    this.#value = value & 0xff;
    this.#line.pulse();
  }

  dispose(): void {
    this.#owned.dispose();
  }
}

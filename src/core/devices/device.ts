// What a device model offers to IO_PORT, IO_MEM and IRQ sessions, and the bus that finds it.
import type { Capability, Dataspace } from "../../session/index.ts";
import { assert } from "../../util/index.ts";
import type { InterruptLine } from "./interrupt-line.ts";

/** Registers in port space, a byte each. Offsets count from `base`. */
export interface PortRange {
  readonly base: number;
  readonly size: number;
  /** Reads have effects, as on the real device. */
  read(offset: number): number;
  write(offset: number, value: number): void;
}

/** Memory of a device; the model sees the same bytes as whoever attaches the dataspace. */
export interface MemoryRange {
  readonly base: number;
  readonly size: number;
  readonly dataspace: Capability<Dataspace>;
}

export interface Device {
  readonly name: string;
  readonly ports?: readonly PortRange[];
  readonly memory?: readonly MemoryRange[];
  readonly interrupts?: readonly InterruptLine[];
  /** The device does nothing any more. */
  dispose?(): void;
}

interface Range {
  readonly base: number;
  readonly size: number;
}

/** A system's devices. Ranges and interrupt numbers of different devices must not overlap: a Bug if they do. */
export class DeviceBus {
  readonly #devices: Device[] = [];

  add(device: Device): void {
    for (const other of this.#devices) {
      for (const kind of ["ports", "memory"] as const) {
        const clash = (device[kind] ?? []).some((range) => (other[kind] ?? []).some((taken) => overlap(range, taken)));
        assert(!clash, `${kind} of ${device.name} and ${other.name} are apart`);
      }
      const lines = (device.interrupts ?? []).filter(({ number }) => hasLine(other, number));
      assert(lines.length === 0, `interrupts of ${device.name} and ${other.name} differ`);
    }
    this.#devices.push(device);
  }

  portRange(port: number): PortRange | undefined {
    return this.#ranges("ports").find((range) => port >= range.base && port < range.base + range.size);
  }

  /** The memory that begins at `base` and holds `size` bytes. */
  memoryRange(base: number, size: number): MemoryRange | undefined {
    return this.#ranges("memory").find((range) => range.base === base && size > 0 && size <= range.size);
  }

  interrupt(number: number): InterruptLine | undefined {
    return this.#devices.flatMap(({ interrupts = [] }) => interrupts).find((line) => line.number === number);
  }

  device(name: string): Device | undefined {
    return this.#devices.find((device) => device.name === name);
  }

  dispose(): void {
    for (const device of this.#devices) device.dispose?.();
  }

  #ranges<Kind extends "ports" | "memory">(kind: Kind): NonNullable<Device[Kind]>[number][] {
    return this.#devices.flatMap((device) => (device[kind] ?? []) as NonNullable<Device[Kind]>[number][]);
  }
}

export function overlap(left: Range, right: Range): boolean {
  return left.base < right.base + right.size && right.base < left.base + left.size;
}

function hasLine({ interrupts = [] }: Device, number: number): boolean {
  return interrupts.some((line) => line.number === number);
}

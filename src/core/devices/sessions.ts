// IO_PORT, IO_MEM and IRQ sessions (spec 2.14) on top of device models.
import {
  type Capability,
  type Dataspace,
  INVALID,
  type IoMemSession,
  type IoPortSession,
  type IrqInfo,
  type IrqSession,
  type SignalContext,
} from "../../session/index.ts";
import type { DeviceBus } from "./device.ts";
import type { InterruptLine, Trigger } from "./interrupt-line.ts";

/** Ports `base` to `base + size - 1`. Wider accesses are made of byte accesses, lowest port first, as on an 8 bit bus. */
export class CoreIoPort implements IoPortSession {
  readonly kind = "io-port";
  readonly #bus: DeviceBus;
  readonly #base: number;
  readonly #size: number;

  constructor(bus: DeviceBus, base: number, size: number) {
    this.#bus = bus;
    this.#base = base;
    this.#size = size;
  }

  inb(port: number): number {
    return this.#read(port, 1);
  }

  inw(port: number): number {
    return this.#read(port, 2);
  }

  inl(port: number): number {
    return this.#read(port, 4);
  }

  outb(port: number, value: number): void {
    this.#write(port, value, 1);
  }

  outw(port: number, value: number): void {
    this.#write(port, value, 2);
  }

  outl(port: number, value: number): void {
    this.#write(port, value, 4);
  }

  #owns(port: number, bytes: number): boolean {
    return port >= this.#base && port + bytes <= this.#base + this.#size;
  }

  #read(port: number, bytes: number): number {
    let value = 0;
    for (let i = 0; i < bytes; i++) {
      const range = this.#owns(port, bytes) ? this.#bus.portRange(port + i) : undefined;
      value += (range ? range.read(port + i - range.base) & 0xff : 0xff) * 2 ** (8 * i);
    }
    return value;
  }

  #write(port: number, value: number, bytes: number): void {
    if (!this.#owns(port, bytes)) return;
    for (let i = 0; i < bytes; i++) {
      const range = this.#bus.portRange(port + i);
      range?.write(port + i - range.base, (value >>> (8 * i)) & 0xff);
    }
  }

  dispose(): void {}
}

/** A device's memory; the whole range that begins at the address asked for. */
export class CoreIoMem implements IoMemSession {
  readonly kind = "io-mem";
  readonly #dataspace: Capability<Dataspace>;

  constructor(bus: DeviceBus, base: number, size: number) {
    this.#dataspace = bus.memoryRange(base, size)?.dataspace ?? INVALID;
  }

  dataspace(): Capability<Dataspace> {
    return this.#dataspace;
  }

  dispose(): void {}
}

export class CoreIrq implements IrqSession {
  readonly kind = "irq";
  readonly #line: InterruptLine;

  constructor(line: InterruptLine, trigger: Trigger = line.defaultTrigger) {
    this.#line = line;
    line.connect(trigger);
  }

  ackIrq(): void {
    this.#line.acknowledge();
  }

  sigh(context: Capability<SignalContext>): void {
    this.#line.sigh(context);
  }

  /** No device here signals by messages. */
  info(): IrqInfo {
    return { type: "invalid", address: 0, value: 0 };
  }

  dispose(): void {
    this.#line.sigh(INVALID);
  }
}

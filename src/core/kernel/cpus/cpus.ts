// All CPUs beside the kernel's own, and the door at which they ring.
import { MESSAGE } from "../../../abi/index.ts";
import type { Location } from "../../../session/index.ts";
import type { PendingCall } from "../calls.ts";
import type { Component } from "../component.ts";
import type { Kernel } from "../kernel.ts";
import { KERNEL_LIMITS } from "../limits.ts";
import { stackHasRoom } from "../stack-room.ts";
import type { KernelThread } from "../thread.ts";
import type { KernelTicker } from "../ticker.ts";
import { ring } from "./commands.ts";
import { Line } from "./line.ts";
import { Patience } from "./patience.ts";
import { DOOR, DOOR_BYTES, type StartCpu } from "./protocol.ts";
import { RemoteCpu } from "./remote-cpu.ts";

/** How long the kernel waits in place for the next ring, in milliseconds, and for one call of a guest of its own. */
const NAP_MS = 0.1;
const WAIT_MS = 1;

/** After so many waits in a row that a ring has ended it waits for longer, up to a slice: a timer that is due before the
 * host's next tick costs more than the wait itself. */
const TALK_RINGS = 16;

/** Numbers of lines. */
const LINES = 2 ** 26;

export interface CpusOptions {
  readonly start: StartCpu;
  /** The grid of CPUs, numbered row by row; the kernel's is the first. */
  readonly width: number;
  readonly height: number;
  /** Runs while a thread runs there. */
  readonly ticker: Pick<KernelTicker, "run" | "rest">;
  /** Called when nothing runs on one of them any more. */
  readonly rested: () => void;
}

export class Cpus {
  readonly #kernel: Kernel;
  readonly #options: CpusOptions;
  /** Those that have been needed, by number. */
  readonly #started = new Map<number, RemoteCpu>();
  /** Components of CPU 0. */
  readonly #adopted = new Map<number, SharedArrayBuffer>();
  readonly #door: Int32Array<SharedArrayBuffer>;
  readonly #patience: Patience;
  #nextLine = 1;
  /** Lines are being ended. */
  #ending = 0;
  /** How many want nothing to begin to run. */
  #holders = 0;
  /** Nothing is to run until `resume`, nor on CPUs that start meanwhile. */
  #frozen = false;
  /** Rings that have been answered. */
  #heard = 0;
  /** Waits in a row that a ring has ended. */
  #rung = 0;
  #listening = false;
  #closed = false;

  constructor(kernel: Kernel, given: CpusOptions) {
    this.#kernel = kernel;
    this.#options = given;
    this.#door = Cpus.door();
    this.#patience = new Patience(this.#door);
  }

  /** A door as it is in the beginning. */
  static door(): Int32Array<SharedArrayBuffer> {
    const door = new Int32Array(new SharedArrayBuffer(DOOR_BYTES));
    door[DOOR.seats] = (globalThis.navigator?.hardwareConcurrency ?? 1) - 1;
    return door;
  }

  /** The first CPU of a location. */
  numberAt(location: Location): number {
    return this.inTurn(location, 0);
  }

  /** One CPU after the other of a location, from the first on, row by row. Those that are lost are passed by; if all are: 0. */
  inTurn({ x, y, width, height }: Location, turn: number): number {
    const all = width * height;
    for (let passed = 0; passed < all; passed++) {
      const at = (turn + passed) % all;
      const cpu = this.#numberOf(x + (at % width), y + Math.floor(at / width));
      if (this.lost(cpu) === undefined) return cpu;
    }
    return 0;
  }

  #numberOf(x: number, y: number): number {
    const { width, height } = this.#options;
    return Math.min(y, height - 1) * width + Math.min(x, width - 1);
  }

  /** Why a CPU is no more. */
  lost(number: number): string | undefined {
    return this.#started.get(number)?.lost;
  }

  /** A location, if the CPU is in it; else the CPU alone. */
  locate(cpu: number, location: Location): Location {
    const { width } = this.#options;
    const [x, y] = [cpu % width, Math.floor(cpu / width)];
    const across = location.x <= x && x < location.x + location.width;
    const along = location.y <= y && y < location.y + location.height;
    return across && along ? location : { x, y, width: 1, height: 1 };
  }

  /** A CPU, started when it is first asked for. @param number from 1 on */
  at(number: number): RemoteCpu {
    return this.#started.get(number) ?? this.#start(number);
  }

  #start(number: number): RemoteCpu {
    const { start, rested } = this.#options;
    const cpu = new RemoteCpu(this.#kernel, {
      ...{ number, start, rested, door: this.#door.buffer },
      awaitRing: (ms: number) => this.#await(ms),
      begun: () => this.#listen(),
      lost: (why) => {
        for (const { block } of this.#cpus) ring(block.words);
        this.#kernel.warn(`${why}: what ran there stands, and can be killed or restored on other CPUs`);
      },
      sliced: () => this.#kernel.scheduler.sliced(this.#door[DOOR.running] !== 0),
    });
    for (const other of this.#cpus) {
      other.tell({ type: "peer", number, block: cpu.block.buffer });
      cpu.tell({ type: "peer", number: other.number, block: other.block.buffer });
    }
    this.#started.set(number, cpu);
    for (let held = 0; held < this.#holders; held++) cpu.hold();
    if (this.#frozen) cpu.freeze();
    cpu.link.keepAlive(this.#listening);
    for (const [component, words] of this.#adopted) cpu.tell({ type: "flag", component, words });
    return cpu;
  }

  get #cpus(): Iterable<RemoteCpu> {
    return this.#started.values();
  }

  get busy(): boolean {
    for (const { busy } of this.#cpus) if (busy) return true;
    return false;
  }

  /** A thread of a component of theirs can run. */
  ready(thread: KernelThread): void {
    this.at(thread.cpu).ready(thread);
  }

  /** Whether the kernel decides at each poll is another matter now. */
  askChanges(): void {
    for (const cpu of this.#cpus) cpu.askChanges();
  }

  /** Something that leases depend on may have changed: a capability, a slot, what is traced. */
  look(): void {
    for (const cpu of this.#cpus) cpu.look();
  }

  /**
   * A call is about to be queued: caller and server may get a line. @param slot the caller's @param address of its message
   *
   * @returns whether it goes by that line, beside those of others: then it is not to be queued
   */
  offerLine(call: PendingCall, slot: number, address: number): boolean {
    const line = this.lineFor(call, slot, address);
    if (!line?.holds) return false;
    const [from, to] = [this.at(line.caller.cpu), this.at(line.server.cpu)];
    line.joins = to.lines.takes(line);
    if (line.joins || to.free) from.lines.offer(line);
    return line.joins;
  }

  /** No line begins while `body` ends some: whoever wants them ended finds that they have. */
  endsLines(body: () => void): void {
    this.#ending++;
    try {
      body();
    } finally {
      this.#ending--;
    }
  }

  /** A line for a call, if its caller and server may have one. */
  lineFor(call: PendingCall, slot: number, address: number): Line | undefined {
    const [caller, server] = [call.caller, call.entrypoint!];
    if (this.#ending > 0 || this.#kernel.everyPoint) return undefined;
    if (!caller || caller.cpu === 0 || server.cpu === 0 || caller.cpu === server.cpu) return undefined;
    const [from, to] = [this.at(caller.cpu), this.at(server.cpu)];
    if (from.held || to.held || to.contended || caller.component.windowed(address, MESSAGE.sizeBytes)) return undefined;
    if (server.component.home?.mayExecute === false) return undefined;
    const line = new Line(this.#nextLine, call, slot, address, from, to);
    if (!line.fits) return undefined;
    this.#nextLine = (this.#nextLine % LINES) + 1;
    return line;
  }

  freeze(): void {
    this.#frozen = true;
    for (const cpu of this.#cpus) cpu.freeze();
  }

  resume(): void {
    this.#frozen = false;
    for (const cpu of this.#cpus) cpu.resume();
  }

  /** Nothing begins to run on them while `body` does, nor on those that it lets start. */
  held<T>(body: () => T): T {
    this.#holders++;
    for (const cpu of this.#cpus) cpu.hold();
    try {
      return body();
    } finally {
      this.#holders--;
      for (const cpu of this.#cpus) cpu.release();
    }
  }

  /** Whatever runs on them stands at safe points while `body` runs. */
  still<T>(body: () => T): T {
    return this.held(() => {
      for (const cpu of this.#cpus) cpu.reachSafePoint();
      return body();
    });
  }

  close(): void {
    this.#closed = true;
    for (const cpu of this.#cpus) cpu.link.close();
  }

  // Components on CPU 0, whose flags are set by those who ring.

  adopt({ id }: Component, words: SharedArrayBuffer): void {
    this.#adopted.set(id, words);
    for (const cpu of this.#cpus) cpu.tell({ type: "flag", component: id, words });
  }

  abandon({ id }: Component): void {
    this.#adopted.delete(id);
    for (const cpu of this.#cpus) cpu.tell({ type: "flag", component: id });
  }

  /** A component is on top of the JavaScript stack from now on; the number of the one that was. */
  entered(component: Component): number {
    const before = this.#door[DOOR.running]!;
    Atomics.store(this.#door, DOOR.running, component.id);
    if (this.rung) component.local?.request();
    return before;
  }

  /** The one below is on top again. */
  left(below: number): void {
    Atomics.store(this.#door, DOOR.running, below);
    if (below !== 0 && this.rung) this.#kernel.component(below)?.local?.request();
  }

  /** Somebody has rung. */
  get rung(): boolean {
    return Atomics.load(this.#door, DOOR.rings) !== this.#heard;
  }

  /** At a poll of a component on CPU 0. @returns false if it must give way for that: its stack is used up */
  servePoll(): boolean {
    if (!this.rung) return true;
    if (!stackHasRoom()) return false;
    this.serve();
    return true;
  }

  /** Serves all requests there are. */
  serve(): void {
    do {
      this.#heard = Atomics.load(this.#door, DOOR.rings);
      for (const cpu of this.#cpus) cpu.serve();
    } while (this.rung);
  }

  /** Sees to it that the event loop hears the next ring. */
  #listen(): void {
    if (this.#listening || this.#closed) return;
    this.#listening = true;
    for (const cpu of this.#cpus) cpu.link.keepAlive(true);
    this.#options.ticker.run();
    void this.#hear();
  }

  async #hear(): Promise<void> {
    const door = this.#door;
    await undefined; // whoever has begun something goes on first
    for (let turn = performance.now(); ; turn = performance.now()) {
      do this.serve();
      while (performance.now() - turn < KERNEL_LIMITS.burstMs && this.#nap());
      if (this.#closed || !this.busy) break;
      const heard = this.#heard;
      Atomics.store(door, DOOR.waits, 1);
      const { async, value } = Atomics.waitAsync(door, DOOR.rings, heard);
      if (async) await value;
      Atomics.store(door, DOOR.waits, 0);
    }
    this.#listening = false;
    for (const cpu of this.#cpus) cpu.link.keepAlive(false);
    this.#options.ticker.rest();
  }

  /**
   * Waits for a ring a moment, in place, if there is nothing else to do: cheaper than from the event loop. While rings come one
   * after the other a moment can be a slice (`#await`).
   */
  #nap(): boolean {
    if (!this.#onlyWaits) return false;
    this.#await(NAP_MS);
    return this.rung;
  }

  /** Others run, and there is nothing else to do. */
  get #onlyWaits(): boolean {
    return !this.#closed && this.busy && !this.#kernel.scheduler.pending;
  }

  /** A guest of CPU 0 waits for something of others, in place, for WAIT_MS, and the last time for a slice at most (`#await`). */
  waitFor(done: () => boolean): void {
    const end = performance.now() + WAIT_MS;
    for (let left = WAIT_MS; !done() && left > 0 && this.#onlyWaits; left = end - performance.now()) {
      this.#await(left);
      this.serve();
    }
  }

  /** Waits for a ring, in place. @param ms at most, if rings do not come one after the other */
  #await(ms: number): void {
    const door = this.#door;
    const seen = Atomics.load(door, DOOR.rings);
    if (seen !== this.#heard) return;
    for (const { pending } of this.#cpus) if (pending) return;
    if (this.#patience.look(door, DOOR.rings, seen)) return;
    const talks = this.#rung >= TALK_RINGS;
    const waits = Atomics.exchange(door, DOOR.waits, 1);
    this.#patience.sleep(door, DOOR.rings, seen, talks ? KERNEL_LIMITS.sliceMs : ms);
    Atomics.store(door, DOOR.waits, waits);
    this.#rung = Atomics.load(door, DOOR.rings) === seen ? 0 : this.#rung + 1;
  }
}

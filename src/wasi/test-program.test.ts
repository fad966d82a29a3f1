// For tests of this layer: a program made of nothing but a memory, which calls WASI functions as a module would, with
// a clock that only moves when the program waits. What the functions do is real.

import type { HostCall, HostValue, PlainData, WaitOutcome } from "../abi/index.ts";
import { type ClockSession, ERRNO, type Errno, type ProgramSessions } from "../session/index.ts";
import { assert, success } from "../util/index.ts";
import { createWasi, WASI_MODULE, type Wasi } from "./wasi.ts";

/** How a call ended: an errno, or given way to a freeze, or the end of the program. */
export type Ending =
  | { readonly errno: Errno | "success" }
  | { readonly frozen: PlainData | undefined }
  | { readonly exit: number };

class Unwind {
  readonly ending: Ending;
  constructor(ending: Ending) {
    this.ending = ending;
  }
}

/** A clock that stands still until it is told to move. */
export class ManualClock implements ClockSession {
  nowNs = 1_000n;
  readonly resolutionNs = { monotonic: 1n, realtime: 1_000n };
  monotonicNs = (): bigint => this.nowNs;
  realtimeNs = (): bigint => 1_700_000_000_000_000_000n + this.nowNs;
  cpuTimeNs = () => success(this.nowNs / 2n);
  capture = () => ({ nowNs: this.nowNs });
}

const HEAP = 4096;

export class TestProgram {
  readonly wasi: Wasi;
  memory = new Uint8Array(1 << 18);
  /** What waits answer, in order; afterwards they time out, or fail the test when they would last for ever. */
  readonly waits: (WaitOutcome | (() => WaitOutcome))[] = [];
  /** The time-outs that were waited with. */
  readonly waited: (bigint | undefined)[] = [];
  readonly #clock: ManualClock | undefined;
  #heap = HEAP;

  constructor(sessions: ProgramSessions) {
    this.wasi = createWasi(sessions);
    this.#clock = sessions.clock instanceof ManualClock ? sessions.clock : undefined;
  }

  /** Calls a function to its end; its errno. */
  call(name: string, ...args: HostValue[]): Errno | "success" {
    const ending = this.begin(name, undefined, ...args);
    assert("errno" in ending, `${name} ends with an errno`);
    return ending.errno;
  }

  /** Calls a function that may freeze, exit, or go on from `progress`. */
  begin(name: string, progress: PlainData | undefined, ...args: HostValue[]): Ending {
    const run = this.wasi.imports[WASI_MODULE]?.[name];
    assert(run, `${name} is a function of preview1`);
    try {
      const result = run.call(this.#hostCall(progress, run.freeze === "restartable"), ...args) as number;
      return { errno: ERRNO[result]! };
    } catch (thrown) {
      if (thrown instanceof Unwind) return thrown.ending;
      throw thrown;
    }
  }

  /** Room for `length` bytes of zeroes, aligned to 8. */
  room(length: number): number {
    const pointer = this.#heap;
    this.#heap = (this.#heap + length + 7) & ~7;
    assert(this.#heap <= this.memory.length, "the test's memory suffices");
    this.memory.fill(0, pointer, pointer + length);
    return pointer;
  }

  /** Puts bytes or text into the memory; pointer and length. */
  put(content: string | Uint8Array): [pointer: number, length: number] {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    const pointer = this.room(bytes.length);
    this.memory.set(bytes, pointer);
    return [pointer, bytes.length];
  }

  /** A vector of buffers: pointer and count. */
  vector(...buffers: readonly (readonly [pointer: number, length: number])[]): [pointer: number, count: number] {
    const pointer = this.room(buffers.length * 8);
    for (const [index, [at, length]] of buffers.entries()) {
      this.view.setUint32(pointer + index * 8, at, true);
      this.view.setUint32(pointer + index * 8 + 4, length, true);
    }
    return [pointer, buffers.length];
  }

  get view(): DataView {
    return new DataView(this.memory.buffer);
  }

  u32(pointer: number): number {
    return this.view.getUint32(pointer, true);
  }

  u64(pointer: number): bigint {
    return this.view.getBigUint64(pointer, true);
  }

  text(pointer: number, length: number): string {
    return new TextDecoder().decode(this.memory.slice(pointer, pointer + length));
  }

  /** fd_write of one text: the number of bytes, or the errno. */
  write(fd: number, text: string): number | Errno {
    const result = this.room(4);
    const errno = this.call("fd_write", fd, ...this.vector(this.put(text)), result);
    return errno === "success" ? this.u32(result) : errno;
  }

  /** fd_read of at most `length` bytes: the text, or `!errno`. */
  read(fd: number, length = 100): string {
    const [buffer, result] = [this.room(length), this.room(4)];
    const errno = this.call("fd_read", fd, ...this.vector([buffer, length]), result);
    return errno === "success" ? this.text(buffer, this.u32(result)) : `!${errno}`;
  }

  /** path_open: the descriptor, or the errno. */
  open(directory: number, path: string, options: OpenFields = {}): number | Errno {
    const { lookup = 0, oflags = 0, rights = 0n, inheriting = 0n, flags = 0 } = options;
    const result = this.room(4);
    const place = this.put(path);
    const errno = this.call("path_open", directory, lookup, ...place, oflags, rights, inheriting, flags, result);
    return errno === "success" ? this.u32(result) : errno;
  }

  #hostCall(progress: PlainData | undefined, restartable: boolean): HostCall {
    const program = this;
    return {
      get memory() {
        return program.memory;
      },
      progress,
      wait: (timeoutNs) => {
        assert(restartable, "only restartable functions wait");
        return program.#wait(timeoutNs);
      },
      freeze: (noted) => {
        throw new Unwind({ frozen: noted });
      },
      exit: (code) => {
        throw new Unwind({ exit: code });
      },
    };
  }

  #wait(timeoutNs: bigint | undefined): WaitOutcome {
    this.waited.push(timeoutNs);
    const scripted = this.waits.shift();
    if (scripted !== undefined) return typeof scripted === "string" ? scripted : scripted();
    assert(timeoutNs !== undefined, "a wait without end is scripted");
    if (this.#clock) this.#clock.nowNs += timeoutNs;
    return "timed-out";
  }
}

export interface OpenFields {
  readonly lookup?: number;
  readonly oflags?: number;
  readonly rights?: bigint;
  readonly inheriting?: bigint;
  readonly flags?: number;
}

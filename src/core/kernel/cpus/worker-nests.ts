// Dispatches within their callers' host calls, on a CPU that is not the kernel's (nests.ts is the kernel's side).
import { CALL_STATUS, DISPATCH, MESSAGE } from "../../../abi/index.ts";
import type { DirectCall, Thread } from "../../../engine/index.ts";
import { stackHasRoom } from "../stack-room.ts";
import { BLOCK, type CpuBlock, GATE } from "./protocol.ts";
import type { WorkerEngine } from "./worker-engine.ts";
import { copyPlain, plainBytes } from "./worker-messages.ts";

/** A server that a caller may call again while its gate is open. */
interface Lease {
  /** The caller's, by which it calls the server. */
  readonly slot: number;
  readonly engine: WorkerEngine;
  readonly thread: number;
  readonly call: DirectCall;
  readonly argument: number;
  /** The server's slot of the object. */
  readonly object: number;
  readonly message: number;
}

/** A dispatch whose end the kernel must hear of: its result, or the thread that it has become. */
export type Crossing = { readonly engine: WorkerEngine; readonly ended: number | Thread };

export class WorkerNests {
  readonly #block: CpuBlock;
  readonly #words: Int32Array<SharedArrayBuffer>;
  /** By the depth of the caller. */
  readonly #leases: (Lease | undefined)[] = [];
  /** In how many nested dispatches this CPU stands. */
  depth = 0;

  constructor(block: CpuBlock) {
    this.#block = block;
    this.#words = block.words;
  }

  /** A dispatch that the kernel has announced. @param slot the caller's @returns the status of the call, if it is over */
  begin(caller: WorkerEngine, engine: WorkerEngine, slot: number, opcode: number, address: number): number | Crossing {
    const param = (index: number) => this.#block.param(index);
    const lease = {
      ...{ slot, engine, thread: param(1), call: engine.dispatch(param(2), param(3)) },
      ...{ argument: param(4), object: param(5), message: param(6) >>> 0 },
    };
    this.#leases[this.depth] = lease;
    return this.#dispatch(caller, lease, opcode, address);
  }

  /** A call of a server that the caller has leased; undefined: the kernel must be asked. */
  again(caller: WorkerEngine, slot: number, opcode: number, address: number): number | Crossing | undefined {
    const lease = this.#leases[this.depth];
    if (lease?.slot !== slot || !stackHasRoom()) return undefined;
    const gate = BLOCK.gates + this.depth;
    const bytes = plainBytes(caller, address);
    if (bytes < 0 || !lease.engine.words(lease.message + MESSAGE.sizeBytes)) return undefined;
    if (Atomics.compareExchange(this.#words, gate, GATE.open, GATE.inside) !== GATE.open) return undefined;
    copyPlain(caller, address, lease.engine, lease.message, bytes);
    return this.#dispatch(caller, lease, opcode, address);
  }

  #dispatch(caller: WorkerEngine, lease: Lease, opcode: number, address: number): number | Crossing {
    const { engine, call, message } = lease;
    const gate = BLOCK.gates + this.depth;
    engine.enter(lease.thread);
    this.depth++;
    const result = engine.engine.group.direct(call, lease.argument, DISPATCH.rpc, lease.object, opcode);
    this.depth--;
    engine.left();
    if (result === undefined) {
      const thread = call.thread!;
      call.thread = undefined;
      return { engine, ended: engine.keep(thread) };
    }
    if (result === CALL_STATUS.ok) {
      const bytes = caller.words((address >>> 0) + MESSAGE.sizeBytes) ? plainBytes(engine, message) : -1;
      if (bytes < 0) return { engine, ended: result };
      copyPlain(engine, message, caller, address, bytes);
    }
    const stays = Atomics.compareExchange(this.#words, gate, GATE.inside, GATE.open) === GATE.inside;
    if (!stays) return { engine, ended: result };
    return result === CALL_STATUS.ok ? result : CALL_STATUS.invalidOpcode;
  }
}

// When scopes of components begin and end that run on another CPU: looked at here, told to the kernel with the end.
import { KERNEL_MODULE, type ProgramInfo } from "../../../abi/index.ts";
import type { CpuBlock } from "./protocol.ts";

/** Scopes under way whose beginnings are remembered. */
const REMEMBERED = 16_384;
/** More than a thread's recorder numbers. */
const SCOPES = 2 ** 20;

export class WorkerScopes {
  readonly #times: Float64Array;
  /** Added to this thread's clock it is the kernel's. */
  readonly #offsetMs: number;
  /** By thread and scope. */
  readonly #begun = new Map<number, number>();

  constructor({ times }: CpuBlock, originMs: number) {
    this.#times = times;
    this.#offsetMs = performance.timeOrigin - originMs;
  }

  /** The kernel has answered a call of `scope_begin`. */
  began(thread: number, scope: number | bigint): void {
    if (scope === 0) return; // nobody records
    if (this.#begun.size >= REMEMBERED) this.#begun.clear();
    this.#begun.set(thread * SCOPES + Number(scope), performance.now());
  }

  /** A call of `scope_end` is about to be made. */
  ends(thread: number, scope: number): void {
    const key = thread * SCOPES + scope;
    this.#times[0] = (this.#begun.get(key) ?? Number.NaN) + this.#offsetMs;
    this.#times[1] = performance.now() + this.#offsetMs;
    this.#begun.delete(key);
  }
}

/** Which of a program's imports are calls for scopes; undefined: another. */
export function scopeCall(info: ProgramInfo, place: number): "scope_begin" | "scope_end" | undefined {
  const { module, name } = info.imports[place]!;
  if (module !== KERNEL_MODULE) return undefined;
  return name === "scope_begin" || name === "scope_end" ? name : undefined;
}

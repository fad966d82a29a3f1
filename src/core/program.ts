// Joins instrumenter and engine: a module's bytes become a program that can be run, frozen and continued.

import type { ContinuationBytes, Rewritten } from "../engine/index.ts";
import {
  continuations,
  FrameLayouts,
  globalAccessor,
  Program,
  type RewriteOptions,
  type RewriteStatistics,
  referenceModule,
  rewrite,
} from "../instrument/index.ts";

/** Side modules that are kept at most; they are small. */
const CONTINUATIONS_REMEMBERED = 4_096;

export interface LoadedProgram extends Rewritten {
  readonly statistics: RewriteStatistics;
  /** The rewritten module. */
  readonly bytes: Uint8Array;
}

/**
 * Rewrites a module.
 *
 * @param hash SHA-256 of `bytes`, hexadecimal
 * @throws WasmFault if the module is malformed or cannot be saved; WebAssembly.CompileError if it is invalid
 */
export function loadProgram(bytes: Uint8Array, hash: string, options: RewriteOptions = {}): LoadedProgram {
  const program = new Program(bytes, options);
  requireValid(bytes);
  const rewritten = rewrite(program, hash);
  const layouts = new FrameLayouts(program);
  return {
    module: new WebAssembly.Module(rewritten.bytes as BufferSource),
    bytes: rewritten.bytes,
    info: rewritten.info,
    statistics: rewritten.statistics,
    layout: (number) => layouts.layout(number),
    at: (functionIndex, position) => layouts.at(functionIndex, position),
    signature: (functionIndex) => program.functionSignature(functionIndex),
    continuations: remembered((requests) => continuations(program, requests)),
    references: (number) => referenceModule(program, number),
    globals: globalAccessor(program),
  };
}

/** Gives the same bytes again for the same sites: a program that is restored often stands at the same places often. */
function remembered(make: Rewritten["continuations"]): Rewritten["continuations"] {
  const made = new Map<string, ContinuationBytes>();
  return (requests) => {
    const key = requests.map(({ function: index, site }) => `${index} ${site}`).join();
    const known = made.get(key);
    if (known) return known;
    if (made.size >= CONTINUATIONS_REMEMBERED) made.clear();
    const fresh = make(requests);
    made.set(key, fresh);
    return fresh;
  };
}

/**
 * An index behind the original's last would name what the rewriter adds there: the control memory, its globals and
 * tables. So nothing is rewritten that the engine does not find valid as it came.
 */
function requireValid(bytes: Uint8Array): void {
  if (!WebAssembly.validate(bytes as BufferSource)) new WebAssembly.Module(bytes as BufferSource); // says why
}

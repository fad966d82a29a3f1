// Joins instrumenter and engine: a module's bytes become a program that can be run, frozen and continued.

import type { ProgramInfo } from "../abi/index.ts";
import type { ContinuationBytes, Rewritten } from "../engine/index.ts";
import {
  continuations,
  FrameLayouts,
  globalAccessor,
  Program,
  payloadAccessor,
  type RewriteOptions,
  type RewriteStatistics,
  referenceModule,
  rewrite,
} from "../instrument/index.ts";
import type { Answers, Numbering } from "./program-answers.ts";

/** Side modules that are kept at most; they are small. */
const CONTINUATIONS_REMEMBERED = 4_096;

/** What rewriting has made of a module; a cache may keep it. */
export interface RewrittenModule {
  readonly bytes: Uint8Array;
  readonly info: ProgramInfo;
  readonly statistics: RewriteStatistics;
  /** Program.references as they were then: the module's tables of references in their order. */
  readonly referenceTypes: readonly number[];
  /** Its bytes, if they have been compiled in this process. */
  readonly module?: WebAssembly.Module;
}

export interface LoadedProgram extends Rewritten, Omit<RewrittenModule, "module"> {}

/** Whoever has the original decoded, and so can answer whatever is asked. */
export interface DecodedProgram extends Answers {
  /** Grows with what is asked. */
  readonly numbering: Numbering;
}

/**
 * Rewrites a module.
 *
 * @param hash SHA-256 of `bytes`, hexadecimal
 * @throws WasmFault if the module is malformed or cannot be saved; WebAssembly.CompileError if it is invalid
 */
export function loadProgram(bytes: Uint8Array, hash: string, options: RewriteOptions = {}): LoadedProgram {
  const { rewritten, decoded } = rewriteProgram(bytes, hash, options);
  return join(rewritten, () => decoded);
}

/** As `loadProgram`, in its parts. */
export function rewriteProgram(
  bytes: Uint8Array,
  hash: string,
  options: RewriteOptions,
): { readonly rewritten: RewrittenModule; readonly decoded: DecodedProgram } {
  const program = new Program(bytes, options);
  requireValid(bytes);
  const rewritten = { ...rewrite(program, hash), referenceTypes: [...program.references] };
  return { rewritten, decoded: answering(program) };
}

/**
 * Takes up what rewriting has made of a module before, by this version of the rewriter and with the same options. The
 * original is not looked at until a frame is read or continued.
 */
export function loadRewritten(
  bytes: Uint8Array,
  rewritten: RewrittenModule,
  options: RewriteOptions = {},
): LoadedProgram {
  let decoded: DecodedProgram | undefined;
  return join(rewritten, () => (decoded ??= decodeProgram(bytes, { ...rewritten, variants: [] }, options)));
}

/** @param numbering as it was when the answers were given that these are to go with */
export function decodeProgram(
  bytes: Uint8Array,
  { referenceTypes, variants }: Numbering,
  options: RewriteOptions,
): DecodedProgram {
  const program = new Program(bytes, options);
  program.references.push(...(referenceTypes as readonly Program["references"][number][]));
  program.variants.push(...variants);
  return answering(program);
}

/** @param decoded always the same; may be slow when it is called first */
function join(rewritten: RewrittenModule, decoded: () => DecodedProgram): LoadedProgram {
  return {
    ...rewritten,
    module: rewritten.module ?? new WebAssembly.Module(rewritten.bytes as BufferSource),
    layout: (number) => decoded().layout(number),
    at: (functionIndex, position) => decoded().at(functionIndex, position),
    signature: (functionIndex) => decoded().signature(functionIndex),
    continuations: (requests) => decoded().continuations(requests),
    references: (number) => decoded().references(number),
    get globals() {
      return decoded().globals;
    },
    get payloads() {
      return decoded().payloads;
    },
  };
}

function answering(program: Program): DecodedProgram {
  let layouts: FrameLayouts | undefined;
  const frames = () => (layouts ??= new FrameLayouts(program));
  return {
    numbering: { referenceTypes: program.references, variants: program.variants },
    layout: (number) => frames().layout(number),
    at: (functionIndex, position) => frames().at(functionIndex, position),
    signature: (functionIndex) => program.functionSignature(functionIndex),
    continuations: remembered((requests) => continuations(program, requests)),
    references: (number) => referenceModule(program, number),
    get globals() {
      return globalAccessor(program);
    },
    get payloads() {
      return payloadAccessor(program);
    },
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

// Everything in a module that rtcr cannot save: what its structure holds, and every instruction of every function.
//
// The decoder of bodies stops at the first instruction that it refuses. To name all of them, the one that was refused
// is overwritten by `nop`s in a copy, and the body is decoded again: decoding looks at no types.

import {
  BodyDecoder,
  type FunctionType,
  functionName,
  type IndexSpaces,
  indexSpaces,
  type Module,
  WasmFault,
} from "../wasm/index.ts";

export interface FoundObstacle {
  /** Byte offset in the module. */
  readonly offset: number;
  readonly section: string;
  /** The function that holds it, by name and by index. */
  readonly function?: string;
  readonly functionIndex?: number;
  readonly instruction?: string;
  readonly statement: string;
}

/** More than this nobody reads. */
const OBSTACLES_LISTED = 1_000;

const NOP = 0x01;
const REF_EQ = 0xd3;
/** LEB128 immediates of the instructions with prefix 0xfb, by opcode behind the prefix. */
const GC_IMMEDIATES = "1122221122211110122211114400000".split("").map(Number);

/** All obstacles, in the order of the module. */
export function findObstacles(module: Module): FoundObstacle[] {
  const spaces = indexSpaces(module);
  const decoder = new BodyDecoder();
  const found: FoundObstacle[] = module.obstacles.map(({ offset, section, statement }) => ({
    offset,
    section,
    statement,
  }));
  for (let number = 0; number < module.code.length && found.length < OBSTACLES_LISTED; number++) {
    found.push(...inFunction(module, spaces, number, decoder));
  }
  return found.slice(0, OBSTACLES_LISTED);
}

function* inFunction(
  module: Module,
  spaces: IndexSpaces,
  number: number,
  decoder: BodyDecoder,
): Generator<FoundObstacle, void> {
  const index = spaces.importedFunctions + number;
  const { params } = module.types[spaces.functions[index]!] as FunctionType;
  let body = module.code[number]!;
  for (;;) {
    const fault = refusal(() => decoder.decode(body, params));
    if (!fault) return;
    const { offset, section = "code section", instruction } = fault.detail;
    yield {
      ...{ offset, section, function: functionName(module, index), functionIndex: index, statement: fault.statement },
      ...(typeof instruction === "string" ? { instruction } : {}),
    };
    const bytes = withoutInstruction(body.bytes, offset - body.offset);
    if (!bytes) return;
    body = { ...body, bytes };
  }
}

/** @throws anything that is no refusal by name */
function refusal(decode: () => unknown): WasmFault | undefined {
  try {
    decode();
    return undefined;
  } catch (thrown) {
    if (thrown instanceof WasmFault && thrown.code === "unsupported") return thrown;
    throw thrown;
  }
}

/** The body with `nop`s for the refused instruction; undefined where what was refused is no such instruction. */
function withoutInstruction(bytes: Uint8Array, at: number): Uint8Array | undefined {
  const end = endOfInstruction(bytes, at);
  if (end === undefined || end > bytes.length) return undefined;
  return bytes.slice().fill(NOP, at, end);
}

function endOfInstruction(bytes: Uint8Array, at: number): number | undefined {
  if (bytes[at] === REF_EQ) return at + 1;
  if (bytes[at] !== 0xfb) return undefined;
  const opcodeEnd = endOfLeb(bytes, at + 1);
  const immediates = GC_IMMEDIATES[bytes[at + 1]!];
  if (immediates === undefined || opcodeEnd !== at + 2) return undefined;
  let end = opcodeEnd;
  for (let left = immediates; left > 0; left--) end = endOfLeb(bytes, end);
  return end;
}

function endOfLeb(bytes: Uint8Array, at: number): number {
  let end = at;
  while ((bytes[end] ?? 0) & 0x80) end++;
  return end + 1;
}

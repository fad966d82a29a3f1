// The peer: Binaryen's Asyncify, given polls at the same places as ours and branch hints.
//
// polls-only.ts -> wasm-opt --asyncify -O2 -> hints. Binaryen writes no hints for the branches that Asyncify adds, so
// they are added to its output by pattern; S is its state global (0 normal, 1 unwinding, 2 rewinding):
//   S == 1 or S == 2, then if or br_if   unlikely
//   S == 0, then if                      likely
//   if in front of the poll's call       unlikely
//   any other if or br_if whose condition reads S (whether to make a call)   likely
// Results are kept in build/bench by the hash of their input: wasm-opt takes a minute for CPython and an hour for clang.
// scripts/install-wasm-opt.sh brings a native one.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ByteWriter, required } from "../src/util/index.ts";
import {
  type Body,
  BodyDecoder,
  decodeModule,
  encodeModule,
  type FunctionType,
  indexSpaces,
  OP,
} from "../src/wasm/index.ts";
import { pollsOnly } from "./polls-only.ts";

const ROOT = join(import.meta.dirname, "..");
const CACHE = join(ROOT, "build/bench");
const FEATURES = [
  ...["multimemory", "threads", "bulk-memory", "bulk-memory-opt", "sign-ext", "mutable-globals", "multivalue"],
  ...["nontrapping-float-to-int", "reference-types", "simd", "call-indirect-overlong"],
].map((feature) => `--enable-${feature}`);
/** Instructions in front of a branch that are searched for a read of the state. */
const CONDITION_LENGTH = 14;
const LIMIT_MS = 120 * 60_000;
const LIBRARIES = join(ROOT, "build/binaryen/root/usr/lib/x86_64-linux-gnu");
const LOADER = join(LIBRARIES, "ld-linux-x86-64.so.2");
/** The native wasm-opt if it is there, else that of node_modules. */
const WASM_OPT = existsSync(LOADER)
  ? [LOADER, "--library-path", LIBRARIES, join(ROOT, "build/binaryen/root/usr/bin/wasm-opt")]
  : [join(ROOT, "node_modules/.bin/wasm-opt")];
const UNLIKELY = 0;
const LIKELY = 1;

export interface Asyncified {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Milliseconds that wasm-opt took when it ran. */
  readonly elapsedMs: number;
}

/**
 * Polls, Asyncify, -O2, hints. Takes long the first time.
 *
 * @param make false: only take what is kept
 * @throws Error if wasm-opt fails, or takes longer than LIMIT_MS, or nothing is kept
 */
export function asyncify(original: Uint8Array, make: boolean): Asyncified {
  mkdirSync(CACHE, { recursive: true });
  const input = pollsOnly(original);
  const key = createHash("sha256").update(input).digest("hex").slice(0, 24);
  const output = join(CACHE, `${key}.asyncify.wasm`);
  const note = `${output}.json`;
  if (!existsSync(note)) {
    if (!make) throw new Error("not made yet: npm run bench -- overhead --prepare");
    const source = join(CACHE, `${key}.polls.wasm`);
    writeFileSync(source, input);
    const start = performance.now();
    const options = [...FEATURES, "--asyncify", "--pass-arg=asyncify-imports@rtcr.poll", "-O2"];
    const [program, ...args] = WASM_OPT as [string, ...string[]];
    execFileSync(program, [...args, source, ...options, "-o", `${output}.new`], { timeout: LIMIT_MS, stdio: "pipe" });
    renameSync(`${output}.new`, output);
    writeFileSync(note, JSON.stringify({ elapsedMs: Math.round(performance.now() - start) }));
  }
  const { elapsedMs } = JSON.parse(readFileSync(note, "utf8")) as { elapsedMs: number };
  return { bytes: withHints(readFileSync(output)), elapsedMs };
}

interface Hint {
  readonly offset: number;
  readonly value: number;
}

function withHints(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const module = decodeModule(bytes);
  const spaces = indexSpaces(module);
  const decoder = new BodyDecoder();
  const body = (index: number): Body => {
    const type = module.types[spaces.functions[index]!] as FunctionType;
    return decoder.decode(required(module.code[index - spaces.importedFunctions], "a body"), type.params);
  };
  const getState = required(
    module.exports.find((entry) => entry.name === "asyncify_get_state"),
    "Asyncify's exports",
  );
  const state = body(getState.index).a[0]!;
  const imported = module.imports.filter((entry) => entry.kind === "func");
  const poll = imported.findIndex((entry) => entry.module === "rtcr" && entry.name === "poll");
  const all = module.code.map((_, number) => {
    const index = spaces.importedFunctions + number;
    return { function: index, hints: hintsOf(body(index), state, poll) };
  });
  const customs = [
    ...module.customs,
    {
      name: "metadata.code.branch_hint",
      bytes: hintSection(all.filter(({ hints }) => hints.length)),
      after: module.dataCount === undefined ? 9 : 12,
    },
  ];
  return encodeModule({ ...module, customs }) as Uint8Array<ArrayBuffer>;
}

function hintsOf(body: Body, state: number, poll: number): Hint[] {
  const { op, a, start, count } = body;
  const hints: Hint[] = [];
  for (let at = 0; at < count; at++) {
    if (op[at] !== OP.if && op[at] !== OP.brIf) continue;
    const value = likelihood(body, at, state, poll);
    if (value !== undefined) hints.push({ offset: start[at]!, value });
  }
  return hints;

  function likelihood({ count: end }: Body, at: number, global: number, target: number): number | undefined {
    if (op[at] === OP.if && at + 1 < end && op[at + 1] === OP.call && a[at + 1] === target) return UNLIKELY;
    const reads = (back: number) => op[at - back] === OP.globalGet && a[at - back] === global;
    const I32_EQ = 0x46;
    if (reads(3) && op[at - 2] === OP.i32Const && op[at - 1] === I32_EQ) return UNLIKELY;
    if (reads(2) && op[at - 1] === OP.i32Eqz) return LIKELY;
    for (let back = 1; back <= CONDITION_LENGTH && at - back >= 0; back++) {
      const code = op[at - back]!;
      if (code <= OP.returnCall || code === OP.localSet) return undefined;
      if (reads(back)) return LIKELY;
    }
    return undefined;
  }
}

function hintSection(functions: readonly { readonly function: number; readonly hints: readonly Hint[] }[]): Uint8Array {
  const writer = new ByteWriter();
  writer.u32(functions.length);
  for (const { function: index, hints } of functions) {
    writer.u32(index);
    writer.u32(hints.length);
    for (const { offset, value } of hints) {
      writer.u32(offset);
      writer.bytes([1, value]);
    }
  }
  return writer.toBytes();
}

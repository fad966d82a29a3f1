// How a program ended, told to people: what happened, and the functions it happened in by their names.

import type { Ending } from "../engine/index.ts";
import { CONTINUATION_NAME } from "../instrument/index.ts";
import { messageOf, required } from "../util/index.ts";
import { decodeModule, functionName, type Module } from "../wasm/index.ts";
import { plainEnding } from "./plain-ending.ts";
import { ABORTED, type EndingReport } from "./protocol.ts";

const FRAMES_SHOWN = 20;

/** @param bytes the original module, read only when a name is needed; undefined: the trace may name functions of several */
export function reportEnding(ending: Ending, bytes: Uint8Array | undefined): EndingReport {
  const plain = plainEnding(ending);
  if (plain) return plain;
  const { kind, error } = ending as Exclude<Ending, { readonly kind: "returned" | "exited" }>;
  switch (kind) {
    case "trapped":
      return failed(kind, `trap: ${messageOf(error)}`, error, bytes);
    case "exhausted":
      return failed(kind, "trap: call stack exhausted", error, bytes);
    case "threw": {
      const what = error instanceof WebAssembly.Exception ? "uncaught exception" : "error in a host function";
      return failed(kind, `${what}: ${messageOf(error)}`, error, bytes);
    }
  }
}

function failed(kind: EndingReport["kind"], what: string, error: unknown, bytes: Uint8Array | undefined): EndingReport {
  return { kind, exitCode: ABORTED, lines: [what, ...frameLines(error, bytes)] };
}

/** A line of a stack trace: `at name (wasm://wasm/1a2b:wasm-function[7]:0x10)` of V8, `name@...` of the others. */
const FRAME = /^\s*(?:at (?:(.+) \()?|([^@]+)?@).*wasm-function\[(\d+)\]/;

/** The Wasm functions of an engine's stack trace, innermost first. */
function frameLines(error: unknown, bytes: Uint8Array | undefined): string[] {
  const stack = error instanceof Error || error instanceof WebAssembly.Exception ? String((error as Error).stack) : "";
  const module = lazily(bytes);
  const lines = stack.split("\n").flatMap((line) => {
    const match = FRAME.exec(line);
    if (!match) return [];
    const told = match[1] ?? match[2] ?? "";
    const continued = CONTINUATION_NAME.exec(told)?.[1];
    const index = Number(continued ?? match[3]);
    if (bytes) return [`  in ${functionName(module(), index)}`];
    return [`  in ${continued || !told ? `function ${index}` : told}`];
  });
  return lines.slice(0, FRAMES_SHOWN);
}

function lazily(bytes: Uint8Array | undefined): () => Module {
  let module: Module | undefined;
  return () => (module ??= decodeModule(required(bytes, "a module")));
}

// How a program ended, told to people: what happened, and the functions it happened in by their names.

import type { Ending } from "../engine/index.ts";
import { CONTINUATION_NAME } from "../instrument/index.ts";
import { messageOf, required } from "../util/index.ts";
import { decodeModule, functionName, type Module } from "../wasm/index.ts";
import { ABORTED, type EndingReport } from "./protocol.ts";

const FRAMES_SHOWN = 20;
const FAILED = 1;

/** @param bytes the original module, read only when a name is needed; undefined: the trace may name functions of several */
export function reportEnding(ending: Ending, bytes: Uint8Array | undefined): EndingReport {
  switch (ending.kind) {
    case "returned":
      return { kind: ending.kind, exitCode: 0, lines: [] };
    case "exited":
      return { kind: ending.kind, exitCode: ending.code, lines: [] };
    case "trapped":
      return failed(ending.kind, `trap: ${messageOf(ending.error)}`, ending.error, bytes);
    case "exhausted":
      return failed(ending.kind, "trap: call stack exhausted", ending.error, bytes);
    case "threw": {
      const what = ending.error instanceof WebAssembly.Exception ? "uncaught exception" : "error in a host function";
      return failed(ending.kind, `${what}: ${messageOf(ending.error)}`, ending.error, bytes);
    }
  }
}

/** An ending after which output was lost, if it was: that makes a failure of success. */
export function withLoss(ending: EndingReport, lost: string | undefined): EndingReport {
  if (lost === undefined) return ending;
  return { ...ending, exitCode: ending.exitCode || FAILED, lines: [...ending.lines, `error: ${lost}`] };
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

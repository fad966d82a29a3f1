// From faults of all layers to exit codes and messages: the one place that knows both.

import type { CheckpointFault } from "../checkpoint/index.ts";
import type { FilesFault } from "../core/index.ts";
import type { EngineFault } from "../engine/index.ts";
import type { RtcrFault } from "../rtcr/index.ts";
import type { StoreFault } from "../store/index.ts";
import { Fault, messageOf } from "../util/index.ts";
import { WasmFault } from "../wasm/faults.ts";

/** Exit codes of every verb; `run` and `restore` give the program's own. */
export const EXIT = { done: 0, failed: 1, usage: 2, notFound: 3, damaged: 4, refused: 5, peerLost: 6 } as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** A failure that ends the command: what happened, and what could be tried. */
export class CliFailure extends Error {
  readonly exitCode: number;
  readonly hint: string | undefined;

  constructor(exitCode: number, message: string, hint?: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.exitCode = exitCode;
    this.hint = hint;
  }
}

/** @param verb whose help may be of use */
export function usageError(message: string, verb?: string): CliFailure {
  return new CliFailure(EXIT.usage, message, verb === undefined ? "rtcr --help" : `rtcr ${verb} --help`);
}

/** Faults of images and of what is made of them: a new code has to say below what it comes to. */
type ImageFault = CheckpointFault | EngineFault | FilesFault | RtcrFault | StoreFault;

/** Exit codes by fault code; the same code means the same in every layer. Everything else is 1. */
const CODES: Readonly<Record<string, ExitCode>> = {
  "not-found": EXIT.notFound,
  ambiguous: EXIT.usage,
  "name-refused": EXIT.usage,
  missing: EXIT.damaged,
  damaged: EXIT.damaged,
  truncated: EXIT.damaged,
  foreign: EXIT.damaged,
  newer: EXIT.damaged,
  older: EXIT.damaged,
  limit: EXIT.damaged,
  mismatch: EXIT.damaged,
  malformed: EXIT.damaged,
  "wrong-state": EXIT.damaged,
  "wrong-module": EXIT.damaged,
  locked: EXIT.refused,
  "missing-files": EXIT.notFound,
  "changed-files": EXIT.refused,
  "unlinked-file": EXIT.refused,
  "deep-file": EXIT.refused,
  journal: EXIT.refused,
  unsaveable: EXIT.refused,
  unsavable: EXIT.refused,
  unsupported: EXIT.refused,
  link: EXIT.refused,
  "no-such-child": EXIT.notFound,
  "no-room": EXIT.refused,
  refused: EXIT.refused,
  gone: EXIT.notFound,
  late: EXIT.refused,
  busy: EXIT.refused,
  "no-memory": EXIT.refused,
  "stack-depth": EXIT.refused,
  "copy-failed": EXIT.failed,
  incomplete: EXIT.failed,
  "lock-lost": EXIT.failed,
  "no-space": EXIT.failed,
  io: EXIT.failed,
} satisfies Record<ImageFault["code"] | "wrong-module" | "malformed" | "unsupported", ExitCode>;

const HINTS: Readonly<Record<string, string>> = {
  "changed-files": "--accept-changed-files goes on with the files as they are",
  "missing-files": "--dir HOST::GUEST names another directory for the program's path GUEST",
  "not-found": "rtcr list",
  "no-space": "rtcr rm ID, then rtcr gc",
  damaged: "rtcr verify",
};

/** Any failure as exit code, message and hint. Bugs keep their stack in the message. */
export function toFailure(thrown: unknown): CliFailure {
  if (thrown instanceof CliFailure) return thrown;
  if (thrown instanceof WebAssembly.CompileError) {
    return new CliFailure(EXIT.failed, `invalid module: ${thrown.message}`, undefined, thrown);
  }
  if (thrown instanceof Fault) {
    const exitCode = noModule(thrown) ? EXIT.failed : (CODES[thrown.code] ?? EXIT.failed);
    // The engine's own words, when it has found the module invalid in the CPU.
    const message = thrown.message.startsWith("WebAssembly.") ? `invalid module: ${thrown.message}` : thrown.message;
    return new CliFailure(exitCode, message, HINTS[thrown.code], thrown);
  }
  const system = (thrown as NodeJS.ErrnoException | null)?.code;
  if (typeof system === "string" && /^E[A-Z0-9]+$/.test(system)) {
    return new CliFailure(system === "ENOENT" ? EXIT.notFound : EXIT.failed, messageOf(thrown), undefined, thrown);
  }
  const stack = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  return new CliFailure(EXIT.failed, `unexpected: ${stack}`, undefined, thrown);
}

/** Whether bytes were found not to be a module, here or in the CPU. */
export function noModule(thrown: unknown): boolean {
  if (thrown instanceof WebAssembly.CompileError) return true;
  if (!(thrown instanceof Fault) || thrown.code === "unsupported") return false;
  const inCpu = thrown.detail["detail"] as { readonly fault?: string } | undefined;
  return thrown instanceof WasmFault || inCpu?.fault === WasmFault.name || thrown.message.startsWith("WebAssembly.");
}

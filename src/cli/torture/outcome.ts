// What a run showed to the outside, and how two runs differ.

import type { Ending } from "../../engine/index.ts";
import { messageOf } from "../../util/index.ts";
import type { Tree } from "./tree.ts";

export interface Outcome {
  /** `returned`, `exited` ..., or `stopped` when the torture itself failed. */
  readonly kind: Ending["kind"] | "stopped";
  readonly exitCode: number;
  /** Of traps and exceptions. */
  readonly message: string;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
}

/** Where two runs differ first. */
export interface Difference {
  readonly what: "stdout" | "stderr" | "ending" | "files";
  /** Byte offset in the output. */
  readonly offset?: number;
  readonly text: string;
}

const SHOWN_BYTES = 40;

export function outcomeOf(
  ending: Ending | undefined,
  { stdout, stderr }: { readonly stdout: readonly Uint8Array[]; readonly stderr: readonly Uint8Array[] },
): Outcome {
  const kind = ending?.kind ?? "stopped";
  const failed = ending && "error" in ending && ending.kind !== "exhausted";
  return {
    kind,
    exitCode: ending?.kind === "exited" ? ending.code : kind === "returned" ? 0 : 134,
    message: failed ? messageOf(ending.error) : "",
    stdout: new Uint8Array(Buffer.concat(stdout)),
    stderr: new Uint8Array(Buffer.concat(stderr)),
  };
}

/** The first difference: output first, then the ending, then files. */
export function compareOutcomes(expected: Outcome, found: Outcome): Difference | undefined {
  for (const what of ["stdout", "stderr"] as const) {
    const offset = firstDifference(expected[what], found[what]);
    if (offset === undefined) continue;
    const [want, have] = [expected[what], found[what]].map((bytes) => show(bytes, offset));
    return { what, offset, text: `${what} differs at byte ${offset}: expected ${want}, found ${have}` };
  }
  const [want, have] = [expected, found].map(({ kind, exitCode, message }) => {
    return `${kind} (exit code ${exitCode})${message === "" ? "" : `: ${message}`}`;
  });
  return want === have ? undefined : { what: "ending", text: `ending differs: expected ${want}, found ${have}` };
}

/** The first entry in which two trees differ. */
export function compareTrees(expected: Tree, found: Tree): Difference | undefined {
  for (const path of [...new Set([...expected.keys(), ...found.keys()])].sort()) {
    const [want, have] = [expected, found].map((tree) => tree.get(path) ?? "nothing");
    if (want !== have) return { what: "files", text: `file ${path} differs: expected ${want}, found ${have}` };
  }
  return undefined;
}

function firstDifference(a: Uint8Array, b: Uint8Array): number | undefined {
  const length = Math.min(a.length, b.length);
  if (a.length === b.length && Buffer.compare(a, b) === 0) return undefined;
  for (let at = 0; at < length; at++) if (a[at] !== b[at]) return at;
  return length;
}

function show(bytes: Uint8Array, offset: number): string {
  if (offset >= bytes.length) return `the end (${bytes.length} bytes)`;
  return JSON.stringify(Buffer.from(bytes.subarray(offset, offset + SHOWN_BYTES)).toString("latin1"));
}

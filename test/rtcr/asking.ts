// Calls of hand-written components (WAT): what they ask of sessions, by the names of contracts. Runs nothing by itself.
import { RPC } from "../../src/abi/index.ts";

/** Where in memory messages are. */
const BUFFER = 0x400;

function opcode(kind: string, name: string): string {
  return `(i32.const ${RPC[kind]!.findIndex((fn) => fn.name === name)})`;
}

/** A call with words and a slot; leaves the slot that comes back. */
export function ask(target: string, kind: string, name: string, words: readonly number[] = [], slot = ""): string {
  const at = (offset: number) => `(i32.const ${BUFFER + offset})`;
  return `(block (result i32)
    ${slot === "" ? "" : `(local.set $got ${slot})`}
    (i32.store ${at(0)} (i32.const ${words.length * 4})) (i32.store ${at(4)} (i32.const ${slot === "" ? 0 : 1}))
    ${slot === "" ? "" : `(i32.store ${at(8)} (local.get $got))`}
    ${words.map((word, i) => `(i32.store ${at(40 + i * 4)} (i32.const ${word}))`).join(" ")}
    (drop (call $call ${target} ${opcode(kind, name)} ${at(0)}))
    (i32.load ${at(8)}))`;
}

// Pieces of guests in the text format that several tests use; they follow PRELUDE of kernel-system.ts.
import type { TestSystem } from "./kernel-system.ts";

/** A table with functions from index 1 on. */
export function tableOf(...functions: string[]): string {
  return `(table ${functions.length + 1} funcref) (elem (i32.const 1) ${functions.map((name) => `$${name}`).join(" ")})`;
}

/** A dispatch function with the message at `$m`; `body` may return, else the status is 0. */
export function dispatch(name: string, body: string): string {
  return `(func $${name} (param $m i32) (param $kind i32) (param $object i32) (param $value i32) (result i32) (local $i i32)
    ${body} (i32.const 0))`;
}

/** The initial thread serves with table index 1, its message buffer at 4096. */
export const SERVES = `(func (export "rtcr_component_start") (call $serve (i32.const 1) (i32.const 4096) (i32.const 4096)))`;

/** An initial thread that runs `body`. */
export function main(body: string): string {
  return `(func (export "rtcr_component_start") (local $i i32) ${body})`;
}

/** Logs a value, with the message buffer at 2048. */
export function log(value: string): string {
  return `(call $log (i32.const 2048) ${value})`;
}

/** Asks the object at a slot, with the message buffer at 2048: the first word of the reply, or the status << 16. */
export function ask(slot: number, opcode: number, word: string | number = 0): string {
  const value = typeof word === "number" ? `(i32.const ${word})` : word;
  return `(call $ask (i32.const 2048) (i32.const ${slot}) (i32.const ${opcode}) ${value})`;
}

/** If the opcode is `value`. */
export function onOpcode(value: number, body: string): string {
  return `(if (i32.eq (local.get $value) (i32.const ${value})) (then ${body}))`;
}

/** The reply is the word that came plus `by`. */
export function answerPlus(by: number): string {
  return `(i32.store offset=40 (local.get $m) (i32.add (i32.load offset=40 (local.get $m)) (i32.const ${by})))`;
}

/** Waits for ever, or until somebody wakes the futex at `address`. */
export function block(address = 64): string {
  return `(drop (call $futex_wait (i32.const ${address}) (i32.const 0) (i64.const -1)))`;
}

const KEPT = Array.from({ length: 8 }, (_, i) => `(i64.extend_i32_u (i32.add (local.get 0) (i32.const ${i})))`);
/** Threads wait at 68 in so many frames, each of which keeps eight numbers; the word at 64 counts those that come back. */
export function diver(depth: number): string {
  return `(func $deep (param i32) (result i64)
      (if (i32.eqz (local.get 0)) (then ${block(68)}))
      ${KEPT.join(" ")} (if (result i64) (local.get 0)
        (then (call $deep (i32.sub (local.get 0) (i32.const 1)))) (else (i64.const 1)))
      ${"(i64.add) ".repeat(KEPT.length)})
    ${main(`(drop (call $deep (i32.const ${depth})))
      (i32.store (i32.const 64) (i32.add (i32.load (i32.const 64)) (i32.const 1)))`)}`;
}

/** Computes for a while, with many safe points. */
export const BUSY = `(local.set $i (i32.const 0)) (loop $busy (call $cap_retain (i32.const 0))
  (br_if $busy (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 200))))`;

/** The numbers that a component has logged. */
export function logged(system: TestSystem, label: string): number[] {
  const prefix = `[${label}] `;
  return system.lines
    .filter((line) => line.startsWith(prefix))
    .map((line) => Number.parseInt(line.slice(prefix.length), 16));
}

// The hooks that rewritten code calls for memory: atomic waits, page faults, memory.grow as a request.

import { HOOK, type Signature } from "../abi/index.ts";
import { EngineFault } from "./faults.ts";
import type { Group } from "./group.ts";
import type { Instance } from "./instance.ts";
import { waitOn } from "./wait.ts";
import { wasmFunction } from "./wrap.ts";

/** Why a frozen thread stands at an operation on memory: it goes on when that can be done. */
export type ThreadFault =
  | { readonly type: "read" | "write"; readonly instance: number; readonly address: number }
  /** memory.grow by `delta` Wasm pages. */
  | { readonly type: "grow"; readonly instance: number; readonly memory: number; readonly delta: number };

/**
 * Decides about memory.grow: it is done, the guest sees that it failed, the thread freezes at the instruction, or the
 * policy has done it itself: the pages that there were before. Others may have grown a shared memory since.
 */
export type GrowthPolicy = (instance: Instance, memory: number, delta: number) => "grow" | "refuse" | "park" | number;

/**
 * Asked before a table grows, which may yet fail; false: the guest sees that it has failed.
 *
 * @param held the bytes that all tables of the group would have then (tableBytes)
 */
export type TablePolicy = (held: number) => boolean;

/** What engines hold for an element of a table at most: its slot, and what an indirect call finds there. */
export const ELEMENT_BYTES = 32;
const WASM_PAGE_BYTES = 65_536;
/** What all engines allow. */
const MOST_ELEMENTS = 10_000_000;

const WAIT_TYPE: Signature = { params: ["i32", "i64", "i64", "i64", "i32"], results: ["i32", "i64"] };
const FAULT_TYPE: Signature = { params: ["i32", "i32"], results: [] };
const GROW_TYPE: Signature = { params: ["i32", "i64"], results: ["i64"] };

const GROW_TABLE_TYPE: Signature = { params: ["i32", "i64"], results: ["i64"] };

type Hook = readonly [slot: number, hook: WebAssembly.ExportValue];

/** The hooks of one instance that the program calls. */
export function memoryHooks(group: Group, instance: Instance): readonly Hook[] {
  const { windows, growth } = instance.program.info;
  const hooks = [hook(HOOK.wait, WAIT_TYPE, wait(group, instance))];
  if (windows) hooks.push(hook(HOOK.fault, FAULT_TYPE, fault(group, instance)));
  if (growth) {
    hooks.push(hook(HOOK.grow, GROW_TYPE, grow(group, instance)));
    hooks.push(hook(HOOK.growTable, GROW_TABLE_TYPE, growTable(group, instance)));
  }
  return hooks;
}

function hook(slot: number, type: Signature, body: (...args: never[]) => unknown): Hook {
  return [slot, wasmFunction(type, body) as unknown as WebAssembly.ExportValue];
}

function wait(group: Group, instance: Instance) {
  return (memory: number, address: bigint, expected: bigint, timeout: bigint, width: number) => {
    if (group.atomicWait && group.hostCalls.depth === 0) {
      return group.atomicWait(instance, memory, address, expected, timeout, width);
    }
    const waited = memory < 0 ? instance.windows!.pool.memory : instance.memories[memory]!;
    return waitOn(group.control, group.parks, waited, address, expected, timeout, width);
  };
}

function fault(group: Group, instance: Instance) {
  return (need: number, address: number): void => {
    const found = instance.windows!.fault(need, address >>> 0);
    if (found) group.park({ ...found, instance: instance.number });
  };
}

function grow(group: Group, instance: Instance) {
  return (memory: number, delta: bigint): bigint => {
    const pages = Number(BigInt.asUintN(64, delta));
    if (pagesOf(instance, memory) + pages > mostPages(instance, memory)) return -1n;
    const decision = group.onGrow(instance, memory, pages);
    if (decision === "park") group.park({ type: "grow", instance: instance.number, memory, delta: pages });
    if (typeof decision === "number") return BigInt(decision);
    return decision === "grow" ? growBy(instance, memory, pages) : -1n;
  };
}

function pagesOf(instance: Instance, memory: number): number {
  return instance.memories[memory]!.buffer.byteLength / WASM_PAGE_BYTES;
}

function mostPages({ program }: Instance, memory: number): number {
  const { max, index64 } = program.info.memories[memory]!;
  return max ?? (index64 ? 2 ** 48 : 2 ** 16);
}

/** The delta, or one by which no table can grow. */
function growTable(group: Group, instance: Instance) {
  return (table: number, delta: bigint): bigint => {
    const elements = Number(BigInt.asUintN(64, delta));
    const { max = MOST_ELEMENTS } = instance.program.info.tables[table]!;
    if (Number(instance.table(table).length) + elements > Math.min(max, MOST_ELEMENTS)) return -1n;
    const more = elements * ELEMENT_BYTES;
    return more === 0 || group.onGrowTable(tableBytes(group.instances) + more) ? delta : -1n;
  };
}

/** The bytes that the tables of instances have. */
export function tableBytes(instances: readonly Instance[]): number {
  let elements = 0;
  for (const instance of instances) {
    for (let index = 0; index < instance.program.info.tables.length; index++) {
      elements += Number(instance.table(index).length);
    }
  }
  return elements * ELEMENT_BYTES;
}

function growBy(instance: Instance, memory: number, pages: number): bigint {
  const target = instance.memories[memory]!;
  const delta = instance.program.info.memories[memory]!.index64 ? BigInt(pages) : pages;
  try {
    return BigInt(target.grow(delta as number));
  } catch (thrown) {
    if (thrown instanceof RangeError || thrown instanceof TypeError) return -1n; // beyond the maximum, or any number
    throw thrown;
  }
}

/** What a thread that cannot be frozen throws instead: a host function has called the guest back. */
export function unparkable(what: ThreadFault): EngineFault {
  const where = what.type === "grow" ? `memory.grow by ${what.delta}` : `a ${what.type} at ${what.address}`;
  return new EngineFault("busy", `${where} cannot wait: a host function has called the guest back`, { ...what });
}

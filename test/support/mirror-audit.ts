// Whether memory 0 of an instance or component and its mirror are the same, by snapshots.
import assert from "node:assert/strict";
import type { Component } from "../../src/core/kernel/index.ts";
import { type Instance, Mirror } from "../../src/engine/index.ts";
import { MIRROR_SLOTS } from "../../src/session/index.ts";
import { equalBytes } from "../../src/util/index.ts";

/** Wasm pages of mirrors here: the memories are small, and there are many. */
const PAGES = 1024;

export function mirrorForTests(): Mirror {
  return new Mirror(MIRROR_SLOTS.least, { pages: PAGES });
}

/** @throws AssertionError naming the first byte that a snapshot of now has otherwise than memory 0 */
export function auditMirror({ mirror, memories }: Instance): void {
  assert(mirror instanceof Mirror);
  audit(mirror, new Uint8Array(memories[0]!.buffer));
}

/** As `auditMirror`, of components that nothing runs of. @returns how many of them have mirrors */
export function auditMirrors(components: Iterable<Component>): number {
  let looks = 0;
  for (const { loaded, mirror, view } of components) {
    if (!loaded || !mirror) continue;
    looks++;
    audit(mirror, new Uint8Array(view.buffer));
  }
  return looks;
}

function audit(mirror: Mirror, memory: Uint8Array): void {
  const target = new Uint8Array(memory.length);
  mirror.prepare(1);
  const snapshot = mirror.freeze(target);
  assert(snapshot.keep(0, memory.length, 0));
  mirror.finish(snapshot);
  if (equalBytes(memory, target)) return;
  const at = target.findIndex((byte, index) => byte !== memory[index]);
  assert.fail(`byte ${at} of ${memory.length}: memory has ${memory[at]}, its mirror ${target[at]}`);
}

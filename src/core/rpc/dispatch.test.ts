// Calls by message on TypeScript objects: every type both ways, and whatever a hostile component writes into a buffer.
import assert from "node:assert/strict";
import test from "node:test";
import { CALL_STATUS, MESSAGE, RPC } from "../../abi/index.ts";
import {
  Badges,
  type Capability,
  INVALID,
  type KernelObject,
  type LogSession,
  type RegionMap,
  type TimerSession,
} from "../../session/index.ts";
import { refusal, success } from "../../util/index.ts";
import { callNative } from "./dispatch.ts";

/** A component's memory with one message buffer at 64, and a table of capabilities. */
class Caller {
  readonly view = new DataView(new SharedArrayBuffer(4096));
  readonly slots: Capability[] = [INVALID];
  static readonly at = 64;

  lookup(slot: number): Capability {
    return this.slots[slot] ?? INVALID;
  }

  insert(capability: Capability): number {
    return capability.valid ? this.slots.push(capability) - 1 : 0;
  }

  call(object: KernelObject, name: string, words: readonly number[], slots: readonly number[] = []): number {
    this.request(words, slots);
    const opcode = RPC[object.kind]!.findIndex((fn) => fn.name === name);
    return callNative(object, opcode, this, Caller.at, this);
  }

  request(words: readonly number[], slots: readonly number[], bytes = words.length * 4, count = slots.length): void {
    const { view } = this;
    view.setUint32(Caller.at + MESSAGE.bytes, bytes, true);
    view.setUint32(Caller.at + MESSAGE.capabilities, count, true);
    for (const [i, slot] of slots.entries()) view.setUint32(Caller.at + MESSAGE.slots + i * 4, slot, true);
    for (const [i, word] of words.entries()) view.setUint32(Caller.at + MESSAGE.data + i * 4, word, true);
  }

  get words(): number[] {
    const count = this.view.getUint32(Caller.at, true) / 4;
    return Array.from({ length: count }, (_, i) => this.view.getUint32(Caller.at + MESSAGE.data + i * 4, true));
  }

  get receivedSlots(): number[] {
    const count = this.view.getUint32(Caller.at + MESSAGE.capabilities, true);
    return Array.from({ length: count }, (_, i) => this.view.getUint32(Caller.at + MESSAGE.slots + i * 4, true));
  }
}

class Log implements LogSession {
  readonly kind = "log";
  readonly lines: string[] = [];
  write(text: string): number {
    this.lines.push(text);
    return text.length;
  }
}

class Timer implements TimerSession {
  readonly kind = "timer";
  us = 0;
  triggerOnce(us: number): void {
    this.us = us;
  }
  triggerPeriodic(): void {}
  sigh(): void {}
  elapsedMs(): number {
    return 0;
  }
  elapsedUs(): number {
    return 2 ** 40 + 7;
  }
}

function text(value: string): number[] {
  const bytes = new TextEncoder().encode(value);
  const padded = new Uint8Array(Math.ceil(bytes.length / 4) * 4);
  padded.set(bytes);
  return [bytes.length, ...new Uint32Array(padded.buffer)];
}

test("S36: text goes to the method, a number comes back", () => {
  const log = new Log();
  const caller = new Caller();
  assert.equal(caller.call(log, "write", text("grüße")), CALL_STATUS.ok);
  assert.deepEqual(log.lines, ["grüße"]);
  assert.deepEqual(caller.words, [0, 5]);
});

test("S36: 64-bit numbers are two words, low one first", () => {
  const timer = new Timer();
  const caller = new Caller();
  assert.equal(caller.call(timer, "trigger_once", [5, 2]), CALL_STATUS.ok);
  assert.equal(timer.us, 2 ** 33 + 5);
  assert.equal(caller.call(timer, "elapsed_us", []), CALL_STATUS.ok);
  assert.deepEqual(caller.words, [0, 7, 256]);
});

test("S3, S36: capabilities travel in slots; declared errors travel as values", () => {
  const badges = new Badges();
  const seen: unknown[] = [];
  const map: RegionMap = {
    kind: "region-map",
    size: () => 0,
    attach: (dataspace, options) => {
      seen.push(dataspace, options);
      return dataspace.valid ? success(0x5000) : refusal("invalid-dataspace");
    },
    detach: () => {},
    faultHandler: () => {},
    state: () => ({ type: "write-fault", address: 0x1234 }),
    dataspace: () => own.capability as never,
  };
  const own = badges.identify<RegionMap>(map);
  const caller = new Caller();
  const slot = caller.insert(own.capability);
  assert.equal(caller.call(map, "attach", [4096, 0, 1, 0x5000, 0, 1], [slot]), CALL_STATUS.ok);
  assert.deepEqual(seen, [
    own.capability,
    { size: 4096, offset: 0, executable: false, writeable: true, address: 0x5000 },
  ]);
  assert.deepEqual(caller.words, [0, 0x5000]);
  assert.equal(caller.call(map, "attach", [0, 0, 0, 0, 0, 1], [0]), CALL_STATUS.ok);
  assert.deepEqual(caller.words, [1], "the first declared error");
  assert.equal(caller.call(map, "state", []), CALL_STATUS.ok);
  assert.deepEqual(caller.words, [0, 2, 0x1234]);
  assert.equal(caller.call(map, "dataspace", []), CALL_STATUS.ok);
  assert.deepEqual(
    caller.receivedSlots.map((received) => caller.lookup(received)),
    [own.capability],
  );
});

test("S36: an unknown opcode, and a function that only the kernel can do, are invalid opcodes", () => {
  const caller = new Caller();
  caller.request([], []);
  assert.equal(callNative(new Log(), 1, caller, Caller.at, caller), CALL_STATUS.invalidOpcode);
  assert.equal(callNative(new Log(), -1, caller, Caller.at, caller), CALL_STATUS.invalidOpcode);
  const source: KernelObject = { kind: "signal-source" };
  assert.equal(callNative(source, 0, caller, Caller.at, caller), CALL_STATUS.invalidOpcode);
});

test("S36: messages that lie are refused and call nothing", () => {
  const log = new Log();
  const caller = new Caller();
  const lies: [what: string, words: number[], bytes?: number, slots?: number][] = [
    ["no data at all", []],
    ["a length beyond the data", [100, 0]],
    ["a length that wraps", [0xffff_ffff, 0]],
    ["text that is not UTF-8", [4, 0xffff_ffff]],
    ["more bytes than a buffer holds", text("x"), MESSAGE.maxBytes + 1],
    ["more capabilities than a buffer holds", text("x"), 8, MESSAGE.maxCapabilities + 1],
  ];
  for (const [what, words, bytes, slots] of lies) {
    caller.request(words, [], bytes, slots);
    assert.equal(callNative(log, 0, caller, Caller.at, caller), CALL_STATUS.badMessage, what);
  }
  assert.deepEqual(log.lines, []);
});

test("S36: a missing capability is a bad message, an unused slot the invalid capability", () => {
  const caller = new Caller();
  const sighs: Capability[] = [];
  const timer = Object.assign(new Timer(), { sigh: (context: Capability) => sighs.push(context) });
  assert.equal(caller.call(timer, "sigh", [], []), CALL_STATUS.badMessage);
  assert.equal(caller.call(timer, "sigh", [], [77]), CALL_STATUS.ok);
  assert.deepEqual(sighs, [INVALID]);
});

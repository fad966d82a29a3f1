// Capabilities of messages that go by a line (line-pairs.ts is the kernel's side): the sender's slots become the receiver's.
import { MESSAGE } from "../../../abi/index.ts";
import { LINE, RECEIVED } from "./protocol.ts";

type Words = Int32Array<SharedArrayBuffer>;

/** Whose slots: the place in a pair. */
export const SIDE = { caller: 0, server: 1 } as const;

const SLOTS = MESSAGE.slots >> 2;

/**
 * Puts the capabilities of a message into the room of a line, as slots of its receiver.
 *
 * @param at the word at which the message begins @param sender one of SIDE
 * @returns false if there are some that do not go by the line
 */
export function sendSlots(message: Int32Array, at: number, line: Words, sender: number): boolean {
  const count = message[at + 1]! >>> 0;
  if (count > MESSAGE.maxCapabilities) return false;
  const [counts, slots] = placesOf(sender);
  for (let i = 0; i < count; i++) {
    const slot = message[at + SLOTS + i]!;
    const pair = slot === 0 ? 0 : pairOf(line, slot, sender);
    if (pair < 0) return false;
    line[slots + i] = slot === 0 ? 0 : line[LINE.pairSlots + 2 * pair + 1 - sender]!;
  }
  line[counts] = count;
  return true;
}

/** Writes head and slots of a message that has come. @param sender one of SIDE */
export function receiveHead(line: Words, message: Int32Array, at: number, sender: number): void {
  const [counts, slots] = placesOf(sender);
  const count = line[counts]!;
  message[at] = line[LINE.bytes]!;
  message[at + 1] = count;
  for (let i = 0; i < count; i++) message[at + SLOTS + i] = line[slots + i]!;
}

/** Counts what a call and its reply have brought. @param bank of the counts that hold @returns that of those that are to */
export function countReceived(line: Words, bank: number): number {
  const [requests, replies] = [line[LINE.requests]!, line[LINE.replies]!];
  if (requests + replies === 0) return bank;
  const from = LINE.received + bank * RECEIVED;
  const to = LINE.received + (1 - bank) * RECEIVED;
  for (let i = 0; i < RECEIVED; i++) line[to + i] = line[from + i]!;
  for (let i = 0; i < requests; i++) count(line, to, line[LINE.requestSlots + i]!, SIDE.server);
  for (let i = 0; i < replies; i++) count(line, to, line[LINE.replySlots + i]!, SIDE.caller);
  return 1 - bank;
}

function count(line: Words, bank: number, slot: number, receiver: number): void {
  if (slot !== 0) line[bank + 2 * pairOf(line, slot, receiver) + (receiver === SIDE.server ? 0 : 1)]! += 1;
}

function placesOf(sender: number): readonly [count: number, slots: number] {
  return sender === SIDE.caller ? [LINE.requests, LINE.requestSlots] : [LINE.replies, LINE.replySlots];
}

/** Which pair has a slot; -1: none. */
function pairOf(line: Words, slot: number, side: number): number {
  for (let pair = line[LINE.pairs]! - 1; pair >= 0; pair--) {
    if (line[LINE.pairSlots + 2 * pair + side] === slot) return pair;
  }
  return -1;
}

// Messages between components: bytes are copied, capabilities move from table to table. All lengths come from components.
import { MESSAGE } from "../../abi/index.ts";
import type { Capability, RpcMessage } from "../../session/index.ts";
import type { Component } from "./component.ts";
import type { WordPlace } from "./component-memory.ts";
import { copierOf } from "./memory-copier.ts";

/** Fields of a message in words. */
const SLOTS = MESSAGE.slots >> 2;
const DATA = MESSAGE.data >> 2;
/** From here on a module that copies is quicker than a loop. */
const BYTES_FOR_MODULE = 64;
/** The same of one `set` and its view, where there is none. */
const WORDS_FOR_SET = 32;

/** Whether a whole message buffer lies at an address, where the component may write. */
export function fitsMessage(component: Component, address: number): boolean {
  const at = address >>> 0;
  if ((at & 3) !== 0) return false;
  if (!component.windowed(at, MESSAGE.sizeBytes)) return at + MESSAGE.sizeBytes <= component.view.byteLength;
  return !("kind" in component.bytes.pieces(at, MESSAGE.sizeBytes, true));
}

/**
 * Copies a message from one component to another; both buffers fit. Capabilities that are dead arrive as the invalid one.
 *
 * @returns false, and nothing is copied, if the message says more than fits
 */
export function copyMessage(from: Component, source: number, to: Component, target: number): boolean {
  const reading = from.inPlace(source, MESSAGE.sizeBytes, false);
  const writing = to.inPlace(target, MESSAGE.sizeBytes, true);
  if (!reading || !writing || overlap(reading, writing)) {
    const message = saveMessage(from, source);
    return message !== undefined && loadMessage(to, target, message);
  }
  const { words: read, at: fromWord } = reading;
  const { words: write, at: toWord } = writing;
  const bytes = read[fromWord]! >>> 0;
  const count = read[fromWord + 1]! >>> 0;
  if (bytes > MESSAGE.maxBytes || count > MESSAGE.maxCapabilities) return false;
  write[toWord] = bytes;
  write[toWord + 1] = count;
  for (let at = SLOTS, end = at + count; at < end; at++) {
    const slot = read[fromWord + at]!;
    write[toWord + at] = slot === 0 ? 0 : to.table.insert(from.table.lookup(slot));
  }
  const copy = bytes < BYTES_FOR_MODULE ? undefined : copierOf(reading.memory!, writing.memory!, from.id * 31 + to.id);
  if (copy) copy((toWord + DATA) << 2, (fromWord + DATA) << 2, bytes);
  else copyBytes(read, fromWord + DATA, write, toWord + DATA, bytes);
  return true;
}

/** Components may share what their buffers lie in. */
function overlap(one: WordPlace, other: WordPlace): boolean {
  return one.words === other.words && Math.abs(one.at - other.at) < MESSAGE.sizeBytes >> 2;
}

/** @param from index of a word, as `to` */
function copyBytes(read: Int32Array, from: number, write: Int32Array, to: number, bytes: number): void {
  const count = bytes >> 2;
  if (count >= WORDS_FOR_SET) write.set(read.subarray(from, from + count), to);
  else for (let i = 0; i < count; i++) write[to + i] = read[from + i]!;
  const rest = (1 << ((bytes & 3) * 8)) - 1; // bits of the last word that belong to the message
  if (rest !== 0) write[to + count] = (write[to + count]! & ~rest) | (read[from + count]! & rest);
}

/** The message in a buffer; undefined if it says more than fits, or cannot be read any more. */
export function saveMessage(component: Component, address: number): RpcMessage | undefined {
  if (!component.windowed(address, MESSAGE.sizeBytes)) return messageIn(component, component.words, address >>> 2);
  const copy = component.bytes.read(address, MESSAGE.sizeBytes);
  return copy instanceof Uint8Array ? messageIn(component, new Int32Array(copy.buffer), 0) : undefined;
}

/** @param at where it begins in `words` */
function messageIn({ table }: Component, words: Int32Array, at: number): RpcMessage | undefined {
  const length = words[at]! >>> 0;
  const count = words[at + 1]! >>> 0;
  if (length > MESSAGE.maxBytes || count > MESSAGE.maxCapabilities) return undefined;
  const capabilities: Capability[] = [];
  for (let i = 0; i < count; i++) capabilities.push(table.lookup(words[at + SLOTS + i]!));
  if (length === 0) return { bytes: NO_DATA, capabilities };
  const from = words.byteOffset + (at + DATA) * 4;
  return { bytes: new Uint8Array(words.buffer, from, length).slice(), capabilities };
}

const NO_DATA = new Uint8Array(0);

/** Writes a message into a buffer. @returns false, and nothing is written, if that is not possible any more */
export function loadMessage(component: Component, address: number, message: RpcMessage): boolean {
  if (!fitsMessage(component, address)) return false;
  const { bytes, capabilities } = message;
  if (!component.windowed(address, MESSAGE.sizeBytes)) {
    const { words } = component;
    component.wrote(address, MESSAGE.data + bytes.length);
    writeHead(component, words, address >>> 2, message);
    if (bytes.length > 0) new Uint8Array(words.buffer, address + MESSAGE.data, bytes.length).set(bytes);
    return true;
  }
  const head = new Int32Array(DATA);
  writeHead(component, head, 0, message);
  component.bytes.write(address, new Uint8Array(head.buffer, 0, MESSAGE.slots + capabilities.length * 4));
  component.bytes.write(address + MESSAGE.data, bytes);
  return true;
}

/** @param at where the message begins in `words` */
function writeHead({ table }: Component, words: Int32Array, at: number, { bytes, capabilities }: RpcMessage): void {
  words[at] = bytes.length;
  words[at + 1] = capabilities.length;
  for (let i = 0; i < capabilities.length; i++) words[at + SLOTS + i] = table.insert(capabilities[i]!);
}

/**
 * A message buffer that lies behind windows, for the time of one call of an object in TypeScript: the call may change
 * what is mapped, so that nothing may point into the pool meanwhile.
 */
export class BouncedMessage {
  readonly view = new DataView(new ArrayBuffer(MESSAGE.sizeBytes));

  /** @returns false if the buffer cannot be read */
  fetch(component: Component, address: number): boolean {
    const copy = component.bytes.read(address, MESSAGE.sizeBytes);
    if (!(copy instanceof Uint8Array)) return false;
    new Uint8Array(this.view.buffer).set(copy);
    return true;
  }

  /** @returns false, and nothing is written, if the buffer cannot be written any more */
  put(component: Component, address: number): boolean {
    return component.bytes.write(address, new Uint8Array(this.view.buffer)) === undefined;
  }
}

/** Whether a message of a TypeScript component is one that can be delivered. */
export function deliverable({ bytes, capabilities }: RpcMessage): boolean {
  return bytes.length <= MESSAGE.maxBytes && capabilities.length <= MESSAGE.maxCapabilities;
}

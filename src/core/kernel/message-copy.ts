// Messages between components: bytes are copied, capabilities move from table to table. All lengths come from components.
import { MESSAGE } from "../../abi/index.ts";
import type { Capability, RpcMessage } from "../../session/index.ts";
import type { Component } from "./component.ts";

/** Fields of a message in words. */
const SLOTS = MESSAGE.slots >> 2;
const DATA = MESSAGE.data >> 2;

/** Whether a whole message buffer lies at an address. */
export function fitsMessage(component: Component, address: number): boolean {
  const at = address >>> 0;
  return (at & 3) === 0 && at + MESSAGE.sizeBytes <= component.view.byteLength;
}

/**
 * Copies a message from one component to another; both buffers lie in their memories. Capabilities that are dead arrive
 * as the invalid one.
 *
 * @returns false, and nothing is copied, if the message says more than fits
 */
export function copyMessage(from: Component, source: number, to: Component, target: number): boolean {
  const read = from.words;
  const write = to.words;
  const fromWord = source >> 2;
  const toWord = target >> 2;
  const bytes = read[fromWord]! >>> 0;
  const count = read[fromWord + 1]! >>> 0;
  if (bytes > MESSAGE.maxBytes || count > MESSAGE.maxCapabilities) return false;
  write[toWord] = bytes;
  write[toWord + 1] = count;
  for (let at = SLOTS, end = at + count; at < end; at++) {
    const slot = read[fromWord + at]!;
    write[toWord + at] = slot === 0 ? 0 : to.table.insert(from.table.lookup(slot));
  }
  let at = DATA;
  for (const end = at + (bytes >> 2); at < end; at++) write[toWord + at] = read[fromWord + at]!;
  for (let i = at * 4, end = MESSAGE.data + bytes; i < end; i++) {
    to.view.setUint8(target + i, from.view.getUint8(source + i));
  }
  return true;
}

/** The message in a buffer; undefined if it says more than fits. */
export function saveReply(component: Component, address: number): RpcMessage | undefined {
  const { view, table } = component;
  const length = view.getUint32(address + MESSAGE.bytes, true);
  const count = view.getUint32(address + MESSAGE.capabilities, true);
  if (length > MESSAGE.maxBytes || count > MESSAGE.maxCapabilities) return undefined;
  const bytes = new Uint8Array(length);
  bytes.set(new Uint8Array(view.buffer, address + MESSAGE.data, length));
  const capabilities: Capability[] = [];
  for (let i = 0; i < count; i++) {
    capabilities.push(table.lookup(view.getUint32(address + MESSAGE.slots + i * 4, true)));
  }
  return { bytes, capabilities };
}

/** Writes a message into a buffer that lies in the component's memory. */
export function loadMessage(component: Component, address: number, { bytes, capabilities }: RpcMessage): void {
  const { view, table } = component;
  view.setUint32(address + MESSAGE.bytes, bytes.length, true);
  view.setUint32(address + MESSAGE.capabilities, capabilities.length, true);
  for (const [i, capability] of capabilities.entries()) {
    view.setUint32(address + MESSAGE.slots + i * 4, table.insert(capability), true);
  }
  new Uint8Array(view.buffer, address + MESSAGE.data, bytes.length).set(bytes);
}

/** Whether a message of a TypeScript component is one that can be delivered. */
export function deliverable({ bytes, capabilities }: RpcMessage): boolean {
  return bytes.length <= MESSAGE.maxBytes && capabilities.length <= MESSAGE.maxCapabilities;
}

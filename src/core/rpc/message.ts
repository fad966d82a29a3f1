// A message buffer in a component's memory (abi/message.ts), read and written field by field. Everything in it comes from
// a component: counts are checked before they are believed, and nothing is read or written outside the buffer.
import { MESSAGE } from "../../abi/index.ts";
import type { Capability, Location } from "../../session/index.ts";

/** How slots of the component become capabilities and back. */
export interface CapabilityAccess {
  /** INVALID for slot 0 and for slots that are not in use. */
  lookup(slot: number): Capability;
  /** The slot of a capability that the component receives, with one reference more; 0 for an invalid one. */
  insert(capability: Capability): number;
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** A component's memory; the view is taken anew after anything that may grow it. */
export interface MessageMemory {
  readonly view: DataView;
  /** Told in front of each write. */
  wrote?(address: number, sizeBytes: number): void;
}

/** The message is not what it says, or a reply does not fit. Never leaves core/rpc. */
export class BadMessage extends Error {}

/** A cursor over one message; used again for each call. */
export class MessageCursor {
  #view: DataView = new DataView(new ArrayBuffer(MESSAGE.sizeBytes));
  #base = 0;
  #at = 0;
  #end = 0;
  #slots = 0;
  #slotsEnd = 0;
  #capabilities: CapabilityAccess | undefined;

  /**
   * Begins to read the request at `address`.
   *
   * @param memory the whole buffer lies in it
   */
  open(memory: MessageMemory, address: number, capabilities: CapabilityAccess): void {
    const { view } = memory;
    this.#attach(view, address, capabilities);
    const bytes = view.getUint32(address + MESSAGE.bytes, true);
    const slots = view.getUint32(address + MESSAGE.capabilities, true);
    if (bytes > MESSAGE.maxBytes || slots > MESSAGE.maxCapabilities) throw new BadMessage();
    this.#begin(bytes, slots);
  }

  /** Begins to write the reply over the request, whatever the cursor was used for meanwhile. */
  reopen(memory: MessageMemory, address: number, capabilities: CapabilityAccess): void {
    memory.wrote?.(address, MESSAGE.sizeBytes);
    this.#attach(memory.view, address, capabilities);
    this.#begin(MESSAGE.maxBytes, MESSAGE.maxCapabilities);
  }

  /** Ends a reply: its counts are those of what was written. */
  close(): void {
    this.#view.setUint32(this.#base + MESSAGE.bytes, this.#at - this.#base - MESSAGE.data, true);
    this.#view.setUint32(this.#base + MESSAGE.capabilities, (this.#slots - this.#base - MESSAGE.slots) / 4, true);
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  i32(): number {
    return this.#view.getInt32(this.#take(4), true);
  }

  /** Numbers beyond 2^53 lose their low bits: no quantity of the interfaces comes near. */
  u64(): number {
    const at = this.#take(8);
    return this.#view.getUint32(at, true) + this.#view.getUint32(at + 4, true) * 2 ** 32;
  }

  bytes(): Uint8Array {
    const length = this.u32();
    const at = this.#take(length);
    return new Uint8Array(this.#view.buffer, this.#view.byteOffset + at, length).slice();
  }

  text(): string {
    try {
      return decoder.decode(this.bytes());
    } catch (thrown) {
      if (thrown instanceof BadMessage) throw thrown;
      throw new BadMessage();
    }
  }

  location(): Location {
    return { x: this.u32(), y: this.u32(), width: this.u32(), height: this.u32() };
  }

  capability(): Capability {
    if (this.#slots === this.#slotsEnd) throw new BadMessage();
    const slot = this.#view.getUint32(this.#slots, true);
    this.#slots += 4;
    return this.#capabilities!.lookup(slot);
  }

  setU32(value: number): void {
    this.#view.setUint32(this.#take(4), value, true);
  }

  /** Negative values are written as 0. */
  setU64(value: number): void {
    const at = this.#take(8);
    const whole = Math.max(0, Math.floor(value));
    this.#view.setUint32(at, whole % 2 ** 32, true);
    this.#view.setUint32(at + 4, Math.floor(whole / 2 ** 32), true);
  }

  setBytes(bytes: Uint8Array): void {
    this.setU32(bytes.length);
    const at = this.#take(bytes.length);
    new Uint8Array(this.#view.buffer, this.#view.byteOffset + at, bytes.length).set(bytes);
  }

  setText(text: string): void {
    this.setBytes(encoder.encode(text));
  }

  setLocation({ x, y, width, height }: Location): void {
    for (const value of [x, y, width, height]) this.setU32(value);
  }

  setCapability(capability: Capability): void {
    if (this.#slots === this.#slotsEnd) throw new BadMessage();
    this.#view.setUint32(this.#slots, this.#capabilities!.insert(capability), true);
    this.#slots += 4;
  }

  #attach(view: DataView, address: number, capabilities: CapabilityAccess): void {
    this.#view = view;
    this.#base = address;
    this.#capabilities = capabilities;
  }

  #begin(bytes: number, slots: number): void {
    this.#at = this.#base + MESSAGE.data;
    this.#end = this.#at + bytes;
    this.#slots = this.#base + MESSAGE.slots;
    this.#slotsEnd = this.#slots + slots * 4;
  }

  /** Where the next `length` bytes are; what follows begins at a multiple of 4. */
  #take(length: number): number {
    const at = this.#at;
    if (length > this.#end - at) throw new BadMessage();
    this.#at = Math.min(at + ((length + 3) & ~3), this.#end);
    return at;
  }
}

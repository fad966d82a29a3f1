// Capabilities that go by a line: those that both tables have already, so that only references are counted.
//
// Slots and counts are the kernel's. The CPUs know which slot of the one means which of the other, and count what arrives; when
// the line ends, the kernel adds that to its tables. It ends when one of these slots loses references, or somebody looks.
// The counts are kept twice: the server's CPU writes those that hold with its answer, and the gate says so in one exchange.
import type { Capability } from "../../../session/index.ts";
import type { CapabilityTable, SlotUser } from "../capability-table.ts";
import { LINE, LINE_PAIRS, lineAt, RECEIVED } from "./protocol.ts";

export class LinePairs implements SlotUser {
  readonly #caller: CapabilityTable;
  readonly #server: CapabilityTable;
  readonly #words: Int32Array<SharedArrayBuffer>;
  /** Slots whose loss ends the line: of its object, in both tables. */
  readonly #object: readonly [caller: number, server: number];
  readonly #ends: () => void;
  #capabilities: readonly Capability[] = [];

  /** @param words the line's room @param object slots of caller and server @param ends ends the line */
  constructor(
    [caller, server]: readonly [CapabilityTable, CapabilityTable],
    words: Int32Array<SharedArrayBuffer>,
    object: readonly [caller: number, server: number],
    ends: () => void,
  ) {
    this.#caller = caller;
    this.#server = server;
    this.#words = words;
    this.#object = object;
    this.#ends = ends;
  }

  /** Whether one of `passed` goes by the line; who has sent it may have released it since. */
  goes(capability: Capability, passed: readonly Capability[]): boolean {
    if (!capability.valid || !passed.includes(capability)) return false;
    return this.#caller.slotOf(capability) !== 0 && this.#server.slotOf(capability) !== 0;
  }

  /** @param passed capabilities that may go by the line */
  begin(passed: readonly Capability[]): void {
    const words = this.#words;
    this.#capabilities = passed.filter((each) => this.goes(each, passed)).slice(0, LINE_PAIRS);
    for (const [i, each] of this.#capabilities.entries()) {
      words[LINE.pairSlots + 2 * i] = this.#caller.slotOf(each);
      words[LINE.pairSlots + 2 * i + 1] = this.#server.slotOf(each);
    }
    words[LINE.pairs] = this.#capabilities.length;
    words.fill(0, LINE.received, LINE.received + 2 * RECEIVED);
    words[LINE.requests] = 0;
    this.#caller.use(this);
    this.#server.use(this);
  }

  /** Whether what has been said of slots is still so. */
  get hold(): boolean {
    return this.#capabilities.every(
      (each, i) =>
        each.valid &&
        this.#caller.slotOf(each) === this.#slots(i)[0] &&
        this.#server.slotOf(each) === this.#slots(i)[1],
    );
  }

  #slots(pair: number): readonly [caller: number, server: number] {
    const at = LINE.pairSlots + 2 * pair;
    return [this.#words[at]!, this.#words[at + 1]!];
  }

  settle(slot: number | undefined): void {
    if (slot === undefined ? this.#capabilities.length > 0 : this.#concerns(slot)) this.#ends();
  }

  #concerns(slot: number): boolean {
    if (this.#object.includes(slot)) return true;
    return this.#capabilities.some((_, i) => this.#slots(i).includes(slot));
  }

  /** Those of the request of a call that waits. */
  request(capabilities: readonly Capability[]): void {
    const slots = capabilities.map((each) => (each.valid ? this.#server.slotOf(each) : 0));
    this.#words.set(slots, LINE.requestSlots);
    this.#words[LINE.requests] = slots.length;
  }

  /** Those of the request that is under way. */
  get requested(): readonly Capability[] {
    return this.#list(LINE.requests, LINE.requestSlots, this.#server);
  }

  /** Those of the last reply. */
  get replied(): readonly Capability[] {
    return this.#list(LINE.replies, LINE.replySlots, this.#caller);
  }

  #list(count: number, at: number, table: CapabilityTable): readonly Capability[] {
    return [...this.#words.subarray(at, at + this.#words[count]!)].map((slot) => table.lookup(slot));
  }

  /**
   * The line has ended: the tables get the references that have come by it.
   *
   * @param gate its gate when it was closed @param taken the server answers a call
   * @param told whether the caller's CPU has taken the replies
   */
  end(gate: number, taken: boolean, told: boolean): void {
    this.#caller.useEnds(this);
    this.#server.useEnds(this);
    const received = LINE.received + lineAt(gate).bank * RECEIVED;
    for (let pair = 0; pair < this.#capabilities.length; pair++) {
      const [caller, server] = this.#slots(pair);
      this.#server.retain(server, this.#words[received + 2 * pair]!);
      if (told) this.#caller.retain(caller, this.#words[received + 2 * pair + 1]!);
    }
    if (!taken) return;
    for (let i = 0; i < this.#words[LINE.requests]!; i++) this.#server.retain(this.#words[LINE.requestSlots + i]!);
  }
}

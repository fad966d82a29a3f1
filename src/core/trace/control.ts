// A thread's end of tracing: whether its events are recorded, which, and where to.
//
// The policy is a text: names of kinds of events, separated by white space. The buffer is a ring in a dataspace, which the
// tracer reads while the thread goes on:
//
//   0   u32  head: where the next entry goes, counted from 16
//   4   u32  how often the ring began anew
//   8   u32  bytes for entries
//   12  u32  entries that were too long for the ring
//   16  entries: u32 length, then text, padded to 4; a length of 0 ends a round
//
// I1  Whoever reads entries up to the head sees whole ones: the head moves last.
import { type Capability, contentOf, type Dataspace, INVALID } from "../../session/index.ts";

/** Calls that the thread makes (`rpc_call log.write`) and serves (by opcode), signals (imprint and count). */
export const TRACE_EVENTS = ["rpc_call", "rpc_dispatch", "signal_received"] as const;
export type TraceEvent = (typeof TRACE_EVENTS)[number];

export const TRACE_BUFFER = { head: 0, rounds: 4, capacity: 8, lost: 12, entries: 16 } as const;

const encoder = new TextEncoder();
const NOTHING: ReadonlySet<string> = new Set();
const PAUSED: ReadonlySet<string> = new Set();

export type TraceState = "untraced" | "traced" | "paused";

/** One a thread, kept by its CPU session; TRACE sessions start and stop it, the kernel reports events to it. */
export class TraceControl {
  readonly #changed: () => void;
  #owner: object | undefined;
  #policy: Capability<Dataspace> = INVALID;
  #events: ReadonlySet<string> = NOTHING;
  #buffer: Capability<Dataspace> = INVALID;
  #capacity = 0;
  #head = 0;
  #rounds = 0;
  #lost = 0;

  /** @param changed called after each change of `state` */
  constructor(changed: () => void = () => {}) {
    this.#changed = changed;
  }

  get state(): TraceState {
    if (!this.#owner) return "untraced";
    return this.#events === PAUSED ? "paused" : "traced";
  }

  /** Who traces the thread. */
  get owner(): object | undefined {
    return this.#owner;
  }

  /** Where events go; INVALID while nobody traces the thread. */
  get buffer(): Capability<Dataspace> {
    return this.#buffer;
  }

  /** The policy in force, also while paused. */
  get policy(): Capability<Dataspace> {
    return this.#policy;
  }

  /** Whether events of this kind are recorded: asked before an event's text is made. */
  wants(event: TraceEvent): boolean {
    return this.#events.has(event);
  }

  /** Records an event, if it is wanted. */
  record(event: TraceEvent, text: string): void {
    if (!this.wants(event) || !this.#buffer.valid) return;
    const bytes = encoder.encode(text === "" ? event : `${event} ${text}`);
    const padded = (bytes.length + 3) & ~3;
    if (padded + 8 > this.#capacity) {
      this.#lost++;
      this.#writeWords(TRACE_BUFFER.lost, this.#lost);
      return;
    }
    // Room for the entry and for the mark that ends a round.
    if (this.#head + padded + 8 > this.#capacity) {
      this.#writeWords(TRACE_BUFFER.entries + this.#head, 0);
      this.#head = 0;
      this.#rounds++;
    }
    const entry = new Uint8Array(4 + padded);
    new DataView(entry.buffer).setUint32(0, bytes.length, true);
    entry.set(bytes, 4);
    this.#buffer.object?.write(TRACE_BUFFER.entries + this.#head, entry);
    this.#head += entry.length;
    this.#writeWords(TRACE_BUFFER.head, this.#head, this.#rounds);
  }

  /** @internal For TRACE sessions: takes the thread into `owner`'s hands; nothing is recorded before `enable`. */
  acquire(owner: object, buffer: Capability<Dataspace>): void {
    this.#owner = owner;
    this.#buffer = buffer;
    this.#capacity = (buffer.object?.size() ?? 0) - TRACE_BUFFER.entries;
    this.#head = this.#rounds = this.#lost = 0;
    this.#writeWords(TRACE_BUFFER.head, 0, 0, this.#capacity, 0);
  }

  /** @internal Records what the policy names from now on; one that is gone names nothing. */
  enable(policy: Capability<Dataspace>): void {
    this.#policy = policy;
    this.#events = policy.object ? eventsOf(policy.object) : NOTHING;
    this.#changed();
  }

  /** @internal */
  disable(): void {
    this.#events = PAUSED;
    this.#changed();
  }

  /** @internal */
  release(): void {
    this.#owner = undefined;
    this.#buffer = this.#policy = INVALID;
    this.#events = NOTHING;
    this.#changed();
    this.#events = NOTHING;
  }

  #writeWords(offset: number, ...words: number[]): void {
    const bytes = new Uint8Array(words.length * 4);
    const view = new DataView(bytes.buffer);
    for (const [i, word] of words.entries()) view.setUint32(i * 4, word, true);
    this.#buffer.object?.write(offset, bytes);
  }
}

function eventsOf(policy: Dataspace): ReadonlySet<string> {
  const text = new TextDecoder().decode(contentOf(policy)).replaceAll("\0", " ");
  return new Set(text.split(/\s+/));
}

/** The entries of the current round of a trace buffer, oldest first. */
export function readTraceBuffer(buffer: Dataspace): readonly string[] {
  const bytes = contentOf(buffer);
  const view = new DataView(bytes.buffer);
  const word = (offset: number) => view.getUint32(offset, true);
  const head = word(TRACE_BUFFER.head);
  const end = Math.min(word(TRACE_BUFFER.capacity), bytes.length - TRACE_BUFFER.entries);
  const entries: string[] = [];
  const decoder = new TextDecoder();
  for (let at = 0; at < head && at + 4 <= end; ) {
    const length = word(TRACE_BUFFER.entries + at);
    if (length === 0 || at + 4 + length > end) break;
    const start = TRACE_BUFFER.entries + at + 4;
    entries.push(decoder.decode(bytes.subarray(start, start + length)));
    at += 4 + ((length + 3) & ~3);
  }
  return entries;
}

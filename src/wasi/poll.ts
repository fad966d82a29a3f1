// poll_oneoff: waits until one of many things has happened, and tells all that have.
//
// A relative timeout becomes a deadline of the monotonic clock when the call is first issued. The deadlines are the
// call's progress over a freeze: the monotonic clock stands still between a checkpoint and its restore, so what remains
// of a sleep after a restore is what remained at the checkpoint. Deadlines of the real-time clock stay what they are.

import type { HostFunction, PlainData } from "../abi/index.ts";
import type { ClockSession, Errno } from "../session/index.ts";
import { now } from "./clock.ts";
import type { WasiContext } from "./context.ts";
import type { Target } from "./descriptors.ts";
import { ErrnoFault, errnoNumber, fail } from "./fault.ts";
import { type Guest, restartable } from "./function.ts";
import { CLOCK, requireFlags, SIZE } from "./layout.ts";
import { SUBSCRIPTION_LIMIT } from "./limits.ts";
import type { GuestMemory } from "./memory.ts";
import { readerOf } from "./plain-data.ts";
import { RIGHT } from "./rights.ts";
import { readinessOf } from "./streams.ts";

const EVENT_TYPE = { clock: 0, fdRead: 1, fdWrite: 2 } as const;
const CLOCK_ABSOLUTE = 1;
const HANGUP = 1;
const U64_MAX = (1n << 64n) - 1n;

type Subscription =
  | { readonly type: 0; readonly userdata: bigint; readonly clock: number; readonly deadlineNs: bigint }
  | { readonly type: 1 | 2; readonly userdata: bigint; readonly fd: number };

interface Event {
  readonly type: number;
  readonly userdata: bigint;
  readonly error?: Errno;
  readonly bytes?: bigint;
  readonly hangup?: boolean;
}

/** What is still to come: when to look again at the latest. */
interface Pending {
  readonly retryNs: bigint;
}

export function poll(wasi: WasiContext): Record<string, HostFunction> {
  return {
    poll_oneoff: restartable(["u32", "u32", "u32", "u32"], (guest, input, output, count, result) => {
      if (count === 0 || count > SUBSCRIPTION_LIMIT) fail("inval");
      guest.memory.require(input, count * SIZE.subscription, false);
      guest.memory.require(output, count * SIZE.event);
      guest.memory.require(result, 4);
      const subscriptions = readSubscriptions(guest, input, count, wasi.sessions.clock);
      guest.call.note?.(progressOf(subscriptions));
      const events = wait(wasi, guest, subscriptions);
      for (const [index, event] of events.entries()) writeEvent(guest.memory, output + index * SIZE.event, event);
      guest.memory.setU32(result, events.length);
    }),
  };
}

/** Waits until at least one event has happened. */
function wait(wasi: WasiContext, guest: Guest, subscriptions: readonly Subscription[]): readonly Event[] {
  for (;;) {
    const events: Event[] = [];
    let retryNs: bigint | undefined;
    for (const subscription of subscriptions) {
      const answer = ask(wasi, subscription);
      if (answer && "type" in answer) events.push(answer);
      else if (answer && (retryNs === undefined || answer.retryNs < retryNs)) retryNs = answer.retryNs;
    }
    if (events.length > 0) return events;
    const outcome = guest.call.wait(retryNs);
    if (outcome === "freeze") guest.call.freeze(progressOf(subscriptions));
    if (outcome === "timed-out" && retryNs !== undefined) wasi.sessions.clock.waited?.(retryNs);
  }
}

/** An event, or when to ask again; undefined when somebody will wake us. */
function ask(wasi: WasiContext, subscription: Subscription): Event | Pending | undefined {
  if (subscription.type !== EVENT_TYPE.clock) return askDescriptor(wasi, subscription.fd, subscription);
  const { type, userdata, clock, deadlineNs } = subscription;
  // Processor time does not pass while waiting.
  if (clock === CLOCK.processCpu || clock === CLOCK.threadCpu) return { type, userdata, error: "notsup" };
  if (clock !== CLOCK.realtime && clock !== CLOCK.monotonic) return { type, userdata, error: "inval" };
  const remainingNs = deadlineNs - now(wasi.sessions.clock, clock);
  return remainingNs <= 0n ? { type, userdata } : { retryNs: remainingNs };
}

function askDescriptor(
  wasi: WasiContext,
  fd: number,
  { type, userdata }: { readonly type: number; readonly userdata: bigint },
): Event | Pending | undefined {
  try {
    const reading = type === EVENT_TYPE.fdRead;
    const descriptor = wasi.descriptors.get(fd, RIGHT.pollFdReadwrite);
    const { target } = descriptor;
    if (target.kind === "directory") return { type, userdata, error: "badf" };
    // A listening socket is watched with the right to read, which sock_accept does not need.
    wasi.descriptors.get(fd, reading ? RIGHT.fdRead : RIGHT.fdWrite);
    const readiness = readinessOf(wasi.sessions, target);
    if (!readiness) return { type, userdata, bytes: fileBytes(wasi, target, descriptor.offset, reading) };
    if (reading ? readiness.readable : readiness.writable) {
      const bytes = reading ? BigInt(readiness.readableBytes) : 1n;
      return { type, userdata, bytes, hangup: readiness.hangup };
    }
    return readiness.retryNs === undefined ? undefined : { retryNs: readiness.retryNs };
  } catch (thrown) {
    return { type, userdata, error: errnoOf(thrown) };
  }
}

/** Files never wait; what is left of them can be read at once. Fails where the session does: its server has ended. */
function fileBytes(wasi: WasiContext, target: Target, offset: bigint, reading: boolean): bigint {
  if (!reading || target.kind !== "file") return 1n;
  const status = wasi.sessions.files.status(target.node);
  if (!status.ok) fail(status.reason);
  return status.value.sizeBytes > offset ? status.value.sizeBytes - offset : 0n;
}

function errnoOf(thrown: unknown): Errno {
  if (thrown instanceof ErrnoFault) return thrown.code;
  throw thrown;
}

function readSubscriptions(guest: Guest, input: number, count: number, clock: ClockSession): readonly Subscription[] {
  const deadlines = readProgress(guest.call.progress, count);
  const nowNs = clock.monotonicNs();
  return Array.from({ length: count }, (_, index) => {
    const at = input + index * SIZE.subscription;
    const userdata = guest.memory.u64(at);
    const type = guest.memory.u8(at + 8);
    if (type === EVENT_TYPE.fdRead || type === EVENT_TYPE.fdWrite)
      return { type, userdata, fd: guest.memory.u32(at + 16) };
    if (type !== EVENT_TYPE.clock) return fail("inval");
    return { type, userdata, ...readDeadline(guest.memory, at, nowNs, deadlines?.[index]) };
  });
}

/** Clock and deadline of a clock subscription; `kept` is its deadline from before a freeze. */
function readDeadline(memory: GuestMemory, at: number, nowNs: bigint, kept: bigint | undefined) {
  const clock = memory.u32(at + 16);
  const timeout = memory.u64(at + 24);
  const absolute = requireFlags(memory.u16(at + 40), CLOCK_ABSOLUTE) === CLOCK_ABSOLUTE;
  if (absolute) return { clock, deadlineNs: timeout };
  // Time that remains is counted by the monotonic clock, whichever clock was named: nobody may move it.
  if (clock !== CLOCK.realtime && clock !== CLOCK.monotonic) return { clock, deadlineNs: timeout };
  const deadlineNs = kept ?? nowNs + timeout;
  return { clock: CLOCK.monotonic, deadlineNs: deadlineNs > U64_MAX ? U64_MAX : deadlineNs };
}

/** The deadline of every subscription, null for those without one. */
function progressOf(subscriptions: readonly Subscription[]): PlainData {
  return subscriptions.map((subscription) => (subscription.type === 0 ? subscription.deadlineNs : null));
}

function readProgress(progress: PlainData | undefined, count: number): readonly (bigint | undefined)[] | undefined {
  if (progress === undefined) return undefined;
  const deadlines = readerOf(progress, "progress");
  if (deadlines.items().length !== count) deadlines.malformed(`a list of ${count} deadlines`);
  return deadlines.items().map((item) => (item.raw() === null ? undefined : item.big()));
}

function writeEvent(memory: GuestMemory, at: number, event: Event): void {
  memory.zero(at, SIZE.event);
  memory.setU64(at, event.userdata);
  memory.setU16(at + 8, errnoNumber(event.error ?? "success"));
  memory.setU8(at + 10, event.type);
  memory.setU64(at + 16, event.bytes ?? 0n);
  memory.setU16(at + 24, event.hangup ? HANGUP : 0);
}

// Signals (spec 2.10): contexts, and receivers that threads wait at. Handlers of entrypoints: entrypoint.ts.
import { DISPATCH_SIGNAL, kernelServe, kernelServeSignals, pd, Status } from "../../build/guest-abi/assemblyscript/abi";
import { Event, Mutex, Semaphore } from "./lock";
import { print, warning } from "./log";
import { pdSlot, requestFor } from "./memory";
import { getSlot, release } from "./message";
import { Thread } from "./thread";

/** Guards all contexts. */
@lazy const lock = new Mutex();
@lazy let source: u32 = 0;
/** All contexts that are alive. */
@lazy let contexts: SignalContext | null = null;

/** A source of signals; it belongs to one receiver. */
export class SignalContext {
  capability: u32 = 0;
  pending: u32 = 0;
  receiver: SignalReceiver | null = null;
  nextContext: SignalContext | null = null;
  nextOfReceiver: SignalContext | null = null;
  /** I/O-level signals are dispatched while a handler waits for one. */
  io: bool = false;

  /** Called by entrypoints, once a batch. */
  handle(count: u32): void {}
}

export class SignalReceiver {
  private first: SignalContext | null = null;
  private signals: Semaphore = new Semaphore();
  /** Submissions that the last signal taken had merged. */
  count: u32 = 0;

  /** A context that had no pending signals has got some; called under the lock of all contexts. */
  becamePending(context: SignalContext): void {
    this.signals.up();
  }

  /** @returns the context's capability; 0 if the quota does not suffice or the context is in use */
  manage(context: SignalContext): u32 {
    if (context.receiver !== null) return 0;
    let status = pd.allocContext(pdSlot, source, changetype<u32>(context));
    for (let attempt = 0; status != Status.Ok && attempt < 10 && requestFor(status, 4096, 4); attempt++) {
      status = pd.allocContext(pdSlot, source, changetype<u32>(context));
    }
    if (status != Status.Ok) {
      print().text("Error: no signal context: ").status(status).end();
      return 0;
    }
    const capability = getSlot();
    lock.acquire();
    context.capability = capability;
    context.receiver = this;
    context.nextContext = contexts;
    contexts = context;
    this.append(context);
    lock.release();
    return capability;
  }

  dissolve(context: SignalContext): void {
    lock.acquire();
    if (context.receiver === this) {
      pd.freeContext(pdSlot, context.capability);
      release(context.capability);
      context.capability = 0;
      context.receiver = null;
      context.pending = 0;
      this.removeOwn(context);
      let each = contexts;
      if (each === context) contexts = context.nextContext;
      else {
        while (each !== null && each.nextContext !== context) each = each.nextContext;
        if (each !== null) each.nextContext = context.nextContext;
      }
    }
    lock.release();
  }

  /** Blocks until there is a signal and takes it. */
  wait(): SignalContext {
    while (true) {
      this.signals.down();
      const context = this.take(false);
      if (context !== null) return context;
    }
  }

  /** Takes a pending context, round robin; its `pending` moves to `count`. */
  take(ioOnly: bool): SignalContext | null {
    lock.acquire();
    let context = this.first;
    while (context !== null && (!context.pending || (ioOnly && !context.io))) context = context.nextOfReceiver;
    if (context !== null) {
      this.count = context.pending;
      context.pending = 0;
      this.removeOwn(context);
      this.append(context);
    }
    lock.release();
    return context;
  }

  get hasPending(): bool {
    lock.acquire();
    let context = this.first;
    while (context !== null && !context.pending) context = context.nextOfReceiver;
    lock.release();
    return context !== null;
  }

  private append(context: SignalContext): void {
    context.nextOfReceiver = null;
    let each = this.first;
    if (each === null) {
      this.first = context;
      return;
    }
    while (each.nextOfReceiver !== null) each = each.nextOfReceiver!;
    each.nextOfReceiver = context;
  }

  private removeOwn(context: SignalContext): void {
    let each = this.first;
    if (each === context) this.first = context.nextOfReceiver;
    else {
      while (each !== null && each.nextOfReceiver !== context) each = each.nextOfReceiver;
      if (each !== null) each.nextOfReceiver = context.nextOfReceiver;
    }
  }
}

/** Never blocks. */
export function submit(context: u32, count: u32 = 1): void {
  pd.submit(pdSlot, context, count);
}

/** Wakes waiters of an event; nobody takes its signals. */
class EventReceiver extends SignalReceiver {
  constructor(private event: Event) {
    super();
  }
  becamePending(context: SignalContext): void {
    context.pending = 0;
    this.event.raise();
  }
}

/** A context whose signals raise an event. @returns its capability */
export function eventContext(event: Event): u32 {
  event.told = true;
  return new EventReceiver(event).manage(new SignalContext());
}

function deliver(imprint: u32, count: u32): void {
  lock.acquire();
  let context = contexts;
  while (context !== null && changetype<u32>(context) != imprint) context = context.nextContext;
  if (context !== null) {
    const first = context.pending == 0;
    context.pending += count;
    if (first) context.receiver!.becamePending(context);
  }
  lock.release();
  if (context === null) warning("dropped a signal of a context that does not exist any more");
}

function dispatchSignal(argument: u32, kind: u32, imprint: u32, count: u32): u32 {
  if (kind == DISPATCH_SIGNAL) deliver(imprint, count);
  return 0;
}

@lazy const message: usize = memory.data(1064, 4);

/** The thread that serves the component's signal source. */
export class SignalThread extends Thread {
  private ready: Semaphore = new Semaphore();

  constructor() {
    super("signal handler");
  }
  run(): void {
    if (pd.allocSignalSource(pdSlot) == Status.Ok) {
      source = getSlot();
      const dispatch: (a: u32, k: u32, o: u32, v: u32) => u32 = dispatchSignal;
      kernelServe(dispatch.index, 0, message);
      kernelServeSignals(source);
    }
    this.ready.up();
  }
  /** @returns whether signals can be had */
  waitUntilReady(): bool {
    this.ready.down();
    return source != 0;
  }
}

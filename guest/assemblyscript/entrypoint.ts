// Entrypoints (spec 2.11): one thread serves RPC objects and signal handlers, one at a time. Signals reach it as wake-ups
// from the thread "signal handler", one dispatch a wake-up.
import { DISPATCH_RPC, DISPATCH_WAKEUP, kernelEpWaitWakeup, kernelEpWakeup, kernelServe, MESSAGE_DATA, MESSAGE_MAX_BYTES, MESSAGE_MAX_CAPABILITIES, MESSAGE_SLOTS, pd, Status } from "../../build/guest-abi/assemblyscript/abi";
import { print } from "./log";
import { pdSlot, requestFor } from "./memory";
import { getSlot, putSlotOf, release, takeOf } from "./message";
import { SignalContext, SignalReceiver } from "./signal";
import { Thread } from "./thread";

/** A request while it is served. Arguments are read before `ok` or `fail`, which begin to overwrite them. */
export class Request {
  private at: u32 = 0;
  private slot: u32 = 0;
  private slots: u32 = 0;
  bad: bool = false;

  constructor(private message: usize) {}

  /** A new request has arrived in the buffer. */
  open(): void {
    this.at = 0;
    this.slot = 0;
    this.slots = min(load<u32>(this.message, 4), MESSAGE_MAX_CAPABILITIES);
    this.bad = false;
  }
  u32(): u32 {
    const end = min(load<u32>(this.message), MESSAGE_MAX_BYTES);
    if (this.at + 4 > end) {
      this.bad = true;
      return 0;
    }
    const value = load<u32>(this.message + MESSAGE_DATA + this.at);
    this.at += 4;
    return value;
  }
  u64(): u64 {
    const low = this.u32();
    return <u64>low | (<u64>this.u32() << 32);
  }
  /** Bytes of a text or byte argument: where they lie in the message; their number is in `length`. */
  bytes(): usize {
    this.length = this.u32();
    const end = min(load<u32>(this.message), MESSAGE_MAX_BYTES);
    if (this.bad || this.length > end - this.at) {
      this.bad = true;
      this.length = 0;
      return 0;
    }
    const from = this.message + MESSAGE_DATA + this.at;
    this.at = (this.at + this.length + 3) & ~3;
    return from;
  }
  length: u32 = 0;
  /** Allocates. */
  text(): string {
    const from = this.bytes();
    return String.UTF8.decodeUnsafe(from, this.length);
  }
  /** The caller owns the reference. */
  takeSlot(): u32 {
    if (this.slot >= this.slots) {
      this.bad = true;
      return 0;
    }
    return load<u32>(this.message + MESSAGE_SLOTS + this.slot++ * 4);
  }
  /** Gives back the capabilities that nobody took; before a reply is begun. */
  private dropRest(): void {
    for (; this.slot < this.slots; this.slot++) release(load<u32>(this.message + MESSAGE_SLOTS + this.slot * 4));
  }
  /** Begins a successful reply. */
  ok(): Request {
    return this.reply(0);
  }
  /** A declared error, by its index. */
  fail(index: u32): u32 {
    this.reply(1 + index);
    return 0;
  }
  private reply(outcome: u32): Request {
    this.dropRest();
    store<u32>(this.message, 0);
    store<u32>(this.message, 0, 4);
    return this.put(outcome);
  }
  put(value: u32): Request {
    const to = takeOf(this.message, 4);
    if (to) store<u32>(to, value);
    return this;
  }
  putBytes(from: usize, length: u32): Request {
    this.put(length);
    const to = takeOf(this.message, length);
    if (to) memory.copy(to, from, length);
    return this;
  }
  putSlot(slot: u32): Request {
    putSlotOf(this.message, slot);
    return this;
  }
  /** What `dispatch` returns after a reply. */
  get done(): u32 {
    return load<u32>(this.message) > MESSAGE_MAX_BYTES ? Status.BadMessage : 0;
  }
}

/** Something that other components call. */
export class RpcObject {
  capability: u32 = 0;
  nextObject: RpcObject | null = null;

  /** @returns `request.done` or `request.fail(...)`; `Status.InvalidOpcode` for an opcode that there is not */
  dispatch(opcode: u32, request: Request): u32 {
    return Status.InvalidOpcode;
  }
}

class Server extends Thread {
  constructor(name: string, stackBytes: usize, private entrypoint: Entrypoint) {
    super(name, stackBytes);
  }
  run(): void {
    const dispatch: (a: u32, k: u32, o: u32, v: u32) => u32 = dispatchTo;
    kernelServe(dispatch.index, changetype<u32>(this.entrypoint), this.entrypoint.message);
  }
}

function dispatchTo(entrypoint: u32, kind: u32, object: u32, value: u32): u32 {
  return changetype<Entrypoint>(entrypoint).dispatch(kind, object, value);
}

export class Entrypoint extends SignalReceiver {
  readonly message: usize = heap.alloc(1064);
  private request: Request = new Request(this.message);
  private server: Server | null = null;
  private objects: RpcObject | null = null;
  private ioWaits: u32 = 0;
  private ioDispatched: bool = false;

  constructor(name: string, stackBytes: usize = 64 << 10) {
    super();
    const server = new Server(name, stackBytes, this);
    this.server = server;
    server.start();
  }

  get thread(): Thread {
    return this.server!;
  }

  becamePending(context: SignalContext): void {
    kernelEpWakeup(this.thread.capability);
  }

  /** @returns the object's capability; 0 if the quota does not suffice */
  manageObject(object: RpcObject): u32 {
    let status = pd.allocRpcCap(pdSlot, this.thread.capability);
    for (let attempt = 0; status != Status.Ok && attempt < 10 && requestFor(status, 4096, 4); attempt++) {
      status = pd.allocRpcCap(pdSlot, this.thread.capability);
    }
    if (status != Status.Ok) {
      print().text("Error: no RPC capability: ").status(status).end();
      return 0;
    }
    object.capability = getSlot();
    object.nextObject = this.objects;
    this.objects = object;
    return object.capability;
  }

  dissolveObject(object: RpcObject): void {
    let each = this.objects;
    if (each === object) this.objects = object.nextObject;
    else {
      while (each !== null && each.nextObject !== object) each = each.nextObject;
      if (each !== null) each.nextObject = object.nextObject;
    }
    pd.freeRpcCap(pdSlot, object.capability);
    release(object.capability);
    object.capability = 0;
  }

  dispatch(kind: u32, slot: u32, value: u32): u32 {
    if (kind == DISPATCH_RPC) return this.dispatchRpc(slot, value);
    if (kind == DISPATCH_WAKEUP) this.dispatchSignal();
    return 0;
  }

  /** In a handler of this entrypoint: dispatches one I/O-level signal; application-level ones wait meanwhile. */
  waitAndDispatchOneIoSignal(): void {
    const message = heap.alloc(1064);
    this.ioWaits++;
    do {
      this.ioDispatched = false;
      const context = this.take(true);
      if (context !== null) {
        context.handle(this.count);
        break;
      }
      kernelEpWaitWakeup(message);
    } while (!this.ioDispatched);
    heap.free(message);
    if (--this.ioWaits == 0 && this.hasPending) kernelEpWakeup(this.thread.capability);
  }

  private dispatchRpc(slot: u32, opcode: u32): u32 {
    let object = this.objects;
    while (object !== null && object.capability != slot) object = object.nextObject;
    if (object === null) return Status.InvalidObject;
    this.request.open();
    const status = object.dispatch(opcode, this.request);
    return this.request.bad ? Status.BadMessage : status;
  }

  private dispatchSignal(): void {
    const ioOnly = this.ioWaits > 0;
    const context = this.take(ioOnly);
    const count = this.count;
    if (!ioOnly && this.hasPending) kernelEpWakeup(this.thread.capability);
    if (context === null) return;
    this.ioDispatched = true;
    context.handle(count);
  }
}

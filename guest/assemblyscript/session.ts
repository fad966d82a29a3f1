// Sessions of a component: opening with retries (spec 2.12), upgrading, closing; and the clients of the usual services.
import { kernelCapBadge, log as logStub, parent, report, rm, rom, Status, timer } from "../../build/guest-abi/assemblyscript/abi";
import { Mutex } from "./lock";
import { print } from "./log";
import { attach, detach, parentSlot, requestFor } from "./memory";
import { getSlot, getU32, getU64, release } from "./message";
import { SignalContext, SignalReceiver } from "./signal";
import { sessionEvent, upgradeSession } from "./upgrade";
import { XmlNode } from "./xml";
import { dataspace as dataspaceStub } from "../../build/guest-abi/assemblyscript/abi";

@lazy const ids = new Mutex();
@lazy let nextId: u32 = 6;

function takeId(): u32 {
  ids.acquire();
  const id = nextId++;
  ids.release();
  return id;
}

/** An open session; `capability` is 0 if the service was denied, and `status` says why. */
export class Session {
  id: u32 = 0;
  capability: u32 = 0;
  status: Status = Status.Ok;

  /**
   * Opens a session and blocks until it is there; asks for resources for ever.
   *
   * @param args `label="..."` and the like; the donation of `ram` bytes and `caps` capabilities is added
   */
  constructor(service: string, args: string, ram: u32, caps: u32) {
    let asked = true;
    for (let attempt: u32 = 1; asked; attempt++) {
      const donation = "ram_quota=" + ram.toString() + ", cap_quota=" + caps.toString();
      this.id = takeId();
      this.status = this.attempt(service, args.length ? args + ", " + donation : donation);
      if (this.status == Status.InsufficientRamQuota) ram += 4096;
      else if (this.status == Status.InsufficientCapQuota) caps += 4;
      else asked = requestFor(this.status, ram, caps);
      if (asked && attempt >= 2 && !(attempt & (attempt - 1))) {
        print().text("Warning: creation of ").text(service).text(" session failed ").num(attempt).text(" times").end();
      }
    }
  }

  private attempt(service: string, args: string): Status {
    let seen = sessionEvent.count;
    let status = parent.session(parentSlot, this.id, service, args, 0);
    while (true) {
      if (status != Status.Ok) return status;
      this.capability = getSlot();
      if (this.capability) return Status.Ok;
      sessionEvent.wait(seen);
      seen = sessionEvent.count;
      status = parent.sessionCap(parentSlot, this.id);
    }
  }

  /** Gives the session more, asking for resources until that can be; blocks until the server has it. */
  upgrade(ram: u32, caps: u32): Status {
    return upgradeSession(this.id, ram, caps);
  }

  close(): void {
    parent.close(parentSlot, this.id);
    release(this.capability);
    this.capability = 0;
  }
}

function label(text: string): string {
  return text.length ? 'label="' + text + '"' : "";
}

/** A ROM module, attached. */
export class AttachedRom extends Session {
  address: usize = 0;
  size: u32 = 0;
  private dataspace: u32 = 0;

  constructor(name: string) {
    super("ROM", label(name), 6 << 10, 3);
    this.open();
  }
  private open(): void {
    if (!this.capability || rom.dataspace(this.capability) != Status.Ok) return;
    this.dataspace = getSlot();
    if (!this.dataspace) return;
    this.size = dataspaceStub.size(this.dataspace) == Status.Ok ? getU32() : 0;
    this.address = attach(this.dataspace);
  }
  sigh(context: u32): void {
    rom.sigh(this.capability, context);
  }
  /** Takes over what the module has become. */
  update(): void {
    if (this.address && rom.update(this.capability) == Status.Ok && getU32()) return;
    if (this.address) detach(this.address);
    release(this.dataspace);
    this.address = 0;
    this.open();
  }
  /** Up to the first zero; allocates. */
  get text(): string {
    if (!this.address) return "";
    let length: u32 = 0;
    while (length < this.size && load<u8>(this.address + length)) length++;
    return String.UTF8.decodeUnsafe(this.address, length);
  }
  /** A number attribute of the first element. */
  number(attribute: string, otherwise: u64): u64 {
    return new XmlNode(this.text).number(attribute, otherwise);
  }
  close(): void {
    if (this.address) detach(this.address);
    release(this.dataspace);
    this.address = 0;
    super.close();
  }
}

/** A timer session. `msleep` blocks the calling thread; a handler given to `sigh` is put back afterwards. */
export class Timer extends Session {
  private handler: u32 = 0;
  private context: SignalContext = new SignalContext();
  private receiver: SignalReceiver = new SignalReceiver();

  constructor(name: string = "") {
    super("Timer", label(name), 10 << 10, 2);
    this.receiver.manage(this.context);
  }
  triggerOnce(us: u64): void {
    timer.triggerOnce(this.capability, us);
  }
  triggerPeriodic(us: u64): void {
    timer.triggerPeriodic(this.capability, us);
  }
  /** 0 cancels the timeout too. */
  sigh(context: u32): void {
    this.handler = context;
    timer.sigh(this.capability, context);
  }
  get elapsedMs(): u64 {
    return timer.elapsedMs(this.capability) == Status.Ok ? getU64() : 0;
  }
  get elapsedUs(): u64 {
    return timer.elapsedUs(this.capability) == Status.Ok ? getU64() : 0;
  }
  usleep(us: u64): void {
    if (!us || !this.capability) return;
    timer.sigh(this.capability, this.context.capability);
    timer.triggerOnce(this.capability, us);
    this.receiver.wait();
    timer.sigh(this.capability, this.handler);
  }
  msleep(ms: u64): void {
    this.usleep(ms * 1000);
  }
}

/** Region maps of one's own. */
export class Rm extends Session {
  constructor() {
    super("RM", "", 64 << 10, 2);
  }
  /** Upgrades the session and tries again when its donation is used up. @returns the map; 0 if that fails */
  create(size: u32): u32 {
    while (true) {
      const status = rm.create(this.capability, size);
      if (status == Status.Ok) return getSlot();
      if (status == Status.OutOfRam) this.upgrade(8192, 0);
      else if (status == Status.OutOfCaps) this.upgrade(0, 2);
      else return 0;
    }
  }
  destroy(map: u32): void {
    rm.destroy(this.capability, map);
  }
}

/** A LOG session of one's own. */
export class LogSession extends Session {
  constructor(name: string) {
    super("LOG", label(name), 8 << 10, 2);
  }
  write(text: string): u32 {
    return logStub.write(this.capability, text) == Status.Ok ? getU32() : 0;
  }
}

/** Reports of at most `bytes`. */
export class Report extends Session {
  private address: usize = 0;

  constructor(name: string, private bytes: u32 = 4096) {
    super("Report", label(name) + ", buffer_size=" + bytes.toString(), (10 << 10) + bytes, 3);
    if (this.capability && report.dataspace(this.capability) == Status.Ok) this.address = attach(getSlot());
  }
  /** @returns false if the text is too long */
  submit(text: string): bool {
    const length = String.UTF8.byteLength(text);
    if (!this.address || <u32>length > this.bytes) return false;
    String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, this.address);
    report.submit(this.capability, length);
    return true;
  }
}

/** A number that names the object in this component for as long as it is held; 0 if the object is dead. */
export function badgeOf(slot: u32): u32 {
  return kernelCapBadge(slot);
}

export function exit(value: i32): void {
  parent.exit(parentSlot, value);
}

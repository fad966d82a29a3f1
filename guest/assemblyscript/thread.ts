// Threads of a component: subclasses of Thread with their work in `run`. Each has a slot of 1 MiB in the stack area.
import { cpu, cpuThread, Status } from "../../build/guest-abi/assemblyscript/abi";
import { Mutex, Semaphore } from "./lock";
import { print } from "./log";
import { allocRam, attachIn, cpuSlot, freeRam, lastStatus, stackAreaSlot } from "./memory";
import { release } from "./message";
import { BLOCK_BYTES, currentSlot, SLOT_BYTES, SLOTS, slotTop, threadsBySlot } from "./thread-block";
import { createThread } from "./upgrade";

@lazy const slotsLock = new Mutex();

export class Thread {
  /** The kernel's thread; 0 if it could not be made. */
  capability: u32 = 0;
  private slot: u32 = SLOTS;
  private stack: u32 = 0;
  private done: Semaphore = new Semaphore();

  constructor(readonly name: string, readonly stackBytes: usize = 16 << 10, weight: u32 = 10) {
    slotsLock.acquire();
    // slot 0 is the initial thread's
    let slot: u32 = 1;
    while (slot < SLOTS && load<u32>(threadsBySlot + slot * 4)) slot++;
    if (slot < SLOTS) store<u32>(threadsBySlot + slot * 4, changetype<u32>(this));
    slotsLock.release();
    this.slot = slot;
    this.stack = slot < SLOTS ? allocRam(stackBytes) : 0;
    if (this.stack && attachIn(stackAreaSlot, this.stack, 0, 0, true, (slot + 1) * SLOT_BYTES - stackBytes)) {
      this.capability = createThread(name, weight);
    }
    if (!this.capability) print().text("Error: no thread ").text(name).text(": ").status(lastStatus()).end();
  }

  /** What the thread does; it is dead when this returns, unless it serves. */
  run(): void {}

  start(): void {
    const entry: () => void = startThread;
    if (cpuThread.start(this.capability, entry.index, slotTop(this.slot) - BLOCK_BYTES) != Status.Ok) {
      print().text("Error: thread ").text(this.name).text(" did not start").end();
    }
  }

  /** Waits until `run` has returned. Once only. */
  join(): void {
    this.done.down();
  }

  finished(): void {
    this.done.up();
  }

  /** Ends thread and stack. */
  destroy(): void {
    cpu.killThread(cpuSlot, this.capability);
    release(this.capability);
    if (this.stack) freeRam(this.stack);
    store<u32>(threadsBySlot + this.slot * 4, 0);
  }
}

/** Where all threads begin: the object is found through the stack's slot. */
function startThread(): void {
  const thread = changetype<Thread>(load<u32>(threadsBySlot + currentSlot() * 4));
  thread.run();
  thread.finished();
}

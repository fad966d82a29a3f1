// Interrupt lines: what joins a device model to an IRQ session.
//
//   device --set/pulse--> line --one signal--> session --ackIrq--> line
//
// I1  Between a signal and its acknowledgement the line is masked: nothing is signalled.
// I2  A level that is still asserted when it is acknowledged signals again; an edge that came while masked is kept, once.
import { type Capability, INVALID, notify, type SignalContext } from "../../session/index.ts";

export type Trigger = "level" | "edge";

export class InterruptLine {
  readonly number: number;
  /** How the device drives the line; a session may choose otherwise. */
  readonly defaultTrigger: Trigger;
  #trigger: Trigger;
  #asserted = false;
  /** An edge that has not been signalled yet. */
  #latched = false;
  #masked = false;
  #context: Capability<SignalContext> = INVALID;

  constructor(number: number, defaultTrigger: Trigger = "level") {
    this.number = number;
    this.defaultTrigger = defaultTrigger;
    this.#trigger = defaultTrigger;
  }

  /** The device's end: whether it wants attention. */
  set(asserted: boolean): void {
    if (asserted && !this.#asserted) this.#latched = true;
    this.#asserted = asserted;
    this.#deliver();
  }

  /** An edge and back: lost on a line used by level unless it can be delivered at once. */
  pulse(): void {
    this.set(true);
    this.set(false);
  }

  /** The session's end: takes the line into use, unmasked. */
  connect(trigger: Trigger): void {
    this.#trigger = trigger;
    this.#masked = false;
    this.#latched = this.#asserted;
  }

  sigh(context: Capability<SignalContext>): void {
    this.#context = context;
    this.#deliver();
  }

  acknowledge(): void {
    this.#masked = false;
    this.#deliver();
  }

  #deliver(): void {
    const wanted = this.#trigger === "level" ? this.#asserted : this.#latched;
    if (!wanted || this.#masked || !this.#context.valid) return;
    this.#masked = true;
    this.#latched = false;
    notify(this.#context);
  }
}

// Signals: notifications without payload, merged and counted (spec 2.10).
import type { Capability, KernelObject } from "./capability.ts";
import { objectOf } from "./env.ts";

/** Names a source of signals: who submits to it wakes the component it belongs to. */
export interface SignalContext extends KernelObject {
  readonly kind: "signal-context";
  /** Submissions that nobody has taken yet. */
  readonly pending: number;
  /** Adds `count` (at least 1) to what is pending. Never blocks. */
  submit(count: number): void;
}

/** What one wait returns: the context's imprint, and how many submissions were merged. */
export interface Signal {
  readonly imprint: number;
  readonly count: number;
}

/** The queue of a component's pending contexts, each at most once, oldest first. */
export interface SignalSource extends KernelObject {
  readonly kind: "signal-source";
  /** Takes the oldest pending signal; undefined: there is none (a guest's `wait_for_signal` blocks instead). */
  take(): Signal | undefined;
  /** Called whenever the queue stops being empty, until replaced; must only make a note. */
  listen(ready: () => void): void;
  /** Whether nothing is pending. */
  readonly empty: boolean;
  /** Where a context is in the queue, from 1 for the oldest; 0: it is not in it. */
  place(context: SignalContext): number;
}

/** Submits to a context that a component has named: what is none, of whatever kind it is, hears nothing. */
export function notify(context: Capability | undefined, count = 1): void {
  if (context) objectOf<SignalContext>(context, "signal-context")?.submit(count);
}

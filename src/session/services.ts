// Contracts of the smaller services: ROM, LOG, Timer, TRACE, Report, IO_MEM, IO_PORT, IRQ (spec 2.7-2.9, 2.14).
import type { Attempt } from "../util/index.ts";
import type { Capability, KernelObject } from "./capability.ts";
import type { Location } from "./cpu.ts";
import type { Dataspace } from "./dataspace.ts";
import type { OutOf } from "./quota.ts";
import type { SignalContext } from "./signal.ts";

/** The content that a client sees changes by its own calls only. */
export interface RomSession extends KernelObject {
  readonly kind: "rom";
  /** May be INVALID; each call may give a new dataspace and end the previous one. */
  dataspace(): Capability<Dataspace>;
  /** True: the current dataspace was refreshed in place; false: call `dataspace` again. */
  update(): boolean;
  /** Told at each change of the module. */
  sigh(context: Capability<SignalContext>): void;
}

/** Longest string of one write, its terminator included. */
export const LOG_LIMIT = 232;

export interface LogSession extends KernelObject {
  readonly kind: "log";
  /** The number of characters written; 0 for a malformed string (too long, a NUL inside). */
  write(text: string): number;
}

/** Core lengthens shorter periods of timers to it, in microseconds: nobody can make a server do nothing but tick. */
export const MIN_PERIOD_US = 100;

export interface TimerSession extends KernelObject {
  readonly kind: "timer";
  /** Microseconds; replaces the timeout before. Values beyond half of 64 bits are clamped. */
  triggerOnce(us: number): void;
  /**
   * @param us 0 cancels; core lengthens it to MIN_PERIOD_US otherwise
   * @param firstUs until the first tick, a period as the server keeps it or less; default: a period
   */
  triggerPeriodic(us: number, firstUs?: number): void;
  /** INVALID cancels the timeout too. */
  sigh(context: Capability<SignalContext>): void;
  /** Since the session was created. */
  elapsedMs(): number;
  elapsedUs(): number;
  /**
   * Microseconds until the next tick, 0 if it is due and nobody has been told yet; undefined: no timeout is set, or its tick
   * has been told. No function of guests; absent: the server does not say.
   */
  remainingUs?(): number | undefined;
}

export const SUBJECT_STATES = ["invalid", "untraced", "traced", "foreign", "error", "dead"] as const;
export type SubjectState = (typeof SUBJECT_STATES)[number];

export interface SubjectInfo {
  readonly label: string;
  readonly thread: string;
  readonly state: SubjectState;
  /** Policy id, 0 without. */
  readonly policy: number;
  /** Processor time in microseconds. */
  readonly executionUs: number;
  readonly affinity: Location;
}

export type TraceRefusal =
  | OutOf
  | "already-traced"
  | "source-is-dead"
  | "nonexistent-subject"
  | "nonexistent-policy"
  | "traced-by-other-session";

export interface TraceSession extends KernelObject {
  readonly kind: "trace";
  /** The argument buffer: `subjects` writes ids there (u32 each), policies are loaded from there. */
  dataspace(): Capability<Dataspace>;
  subjects(): number;
  subjectInfo(id: number): Attempt<SubjectInfo, "nonexistent-subject">;
  allocPolicy(size: number): Attempt<number, OutOf>;
  policy(id: number): Attempt<Capability<Dataspace>, "nonexistent-policy">;
  unloadPolicy(id: number): Attempt<void, "nonexistent-policy">;
  trace(subject: number, policy: number, bufferSize: number): Attempt<void, TraceRefusal>;
  pause(subject: number): Attempt<void, "nonexistent-subject">;
  resume(subject: number): Attempt<void, "nonexistent-subject">;
  buffer(subject: number): Attempt<Capability<Dataspace>, "nonexistent-subject" | "subject-not-traced">;
  free(subject: number): Attempt<void, "nonexistent-subject">;
}

export interface ReportSession extends KernelObject {
  readonly kind: "report";
  dataspace(): Capability<Dataspace>;
  /** @param length bytes of the dataspace that form the report */
  submit(length: number): void;
  responseSigh(context: Capability<SignalContext>): void;
  obtainResponse(): number;
}

export interface IoMemSession extends KernelObject {
  readonly kind: "io-mem";
  /** INVALID if the range belongs to no device. */
  dataspace(): Capability<Dataspace>;
}

export interface IoPortSession extends KernelObject {
  readonly kind: "io-port";
  /** All ones for ports outside the session's range. */
  inb(port: number): number;
  inw(port: number): number;
  inl(port: number): number;
  outb(port: number, value: number): void;
  outw(port: number, value: number): void;
  outl(port: number, value: number): void;
}

export interface IrqInfo {
  readonly type: "invalid" | "msi";
  readonly address: number;
  readonly value: number;
}

/** One signal an interrupt, none more until it is acknowledged. */
export interface IrqSession extends KernelObject {
  readonly kind: "irq";
  ackIrq(): void;
  sigh(context: Capability<SignalContext>): void;
  info(): IrqInfo;
}

/** A checkpoint that can be restored by an `Rtcr` session. */
export interface KeptCheckpoint {
  /** A label of the client, or a name. */
  readonly name: string;
  /** It is a label. */
  readonly own: boolean;
  /** That the supervisor is charged for. */
  readonly bytes: number;
}

/** Control of checkpoints (spec 2.14, 1.6); served by RTCR. */
export interface RtcrSession extends KernelObject {
  readonly kind: "rtcr";
  /** Of the child of that name, kept under it; an empty name is all children. "out-of-*": the supervisor cannot keep it. */
  checkpoint(name: string): Attempt<void, "no-such-child" | "failed" | OutOf>;
  /** @param name a label of the client, or else the name, under which a checkpoint is kept */
  restore(name: string): Attempt<void, "rom-module-does-not-exist" | "failed">;
  /** As `checkpoint`, kept under a label of the client's own: so it keeps several of one child. Letters, digits, `.`, `_` and `-`. */
  checkpointAs(name: string, label: string): Attempt<void, "no-such-child" | "failed" | OutOf>;
  /** It is kept no longer; a restore of it that was asked for is done. @param name as for `restore` */
  forget(name: string): Attempt<void, "rom-module-does-not-exist">;
  /** What can be restored, one after the other: the client's labels, then names. */
  kept(index: number): Attempt<KeptCheckpoint, "rom-module-does-not-exist">;
}

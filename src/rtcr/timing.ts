// How long the parts of a checkpoint took, and the report of it (S81, spec 1.5): by the names of the thesis's workers, each
// with the place that the configuration gives it (S76).
//
//   <checkpoint name="sys" module="base" parallel="no" us="812.5">
//     <child name="sheep_counter"/>
//     <phase name="held" at_us="12.1"/> ...
//     <checkpointable name="ram_dataspaces" xpos="1" ypos="0" us="640.1"/> ...
//   </checkpoint>
import { type OwnEvents, writeXml } from "../init/index.ts";
import {
  type Capability,
  contentOf,
  type Dataspace,
  DONATION,
  INVALID,
  objectOf,
  type ReportSession,
  type SlotReader,
  type SlotWriter,
  toPages,
} from "../session/index.ts";
import { CHECKPOINTABLES, type Checkpointable, type RtcrConfig } from "./config.ts";
import type { CheckpointPhase } from "./phases.ts";
import type { Rtcr } from "./rtcr.ts";

/** Bytes of a report. */
const BUFFER_BYTES = 8192;
export const REPORT_LABEL = "checkpoint";

/** Parts by the names of their scopes (scopes.ts). */
const PARTS: Readonly<Record<string, Checkpointable>> = {
  "Checkpoint of PD": "pd_session",
  "Checkpoint of RAM": "ram_dataspaces",
  "Checkpoint of CPU": "cpu_session",
  "Checkpoint of LOG": "log_session",
  "Checkpoint of Timer": "timer_session",
  "Checkpoint of ROM": "rom_session",
  "Checkpoint of RM": "rm_session",
  "Checkpoint of capabilities": "capability_mapping",
};

/** The times of one checkpoint, in microseconds. */
export class Timing {
  readonly #begin = performance.now();
  readonly #us = new Map<Checkpointable, number>(CHECKPOINTABLES.map((name) => [name, 0]));

  /** When each phase began, for the first time. */
  readonly phases = new Map<CheckpointPhase, number>();

  /** A phase begins. */
  enter(phase: CheckpointPhase): void {
    if (!this.phases.has(phase)) this.phases.set(phase, this.totalUs);
  }

  /** Measures one part, as `inCheckpoint` does. */
  measure<T>(name: string, body: () => T): T {
    const part = PARTS[name];
    const begin = performance.now();
    try {
      return body();
    } finally {
      const us = (performance.now() - begin) * 1000;
      if (part) this.#us.set(part, this.of(part) + us);
    }
  }

  of(part: Checkpointable): number {
    return this.#us.get(part) ?? 0;
  }

  /** Since it was made. */
  get totalUs(): number {
    return (performance.now() - this.#begin) * 1000;
  }
}

/** The report of a checkpoint that has just been made. */
export function timingReport(
  timing: Timing,
  { name, children }: { readonly name: string; readonly children: readonly string[] },
  { module, parallel, workers }: RtcrConfig,
): string {
  const us = (value: number) => value.toFixed(1);
  const parts = CHECKPOINTABLES.map((part) => {
    const place = workers.find((worker) => worker.name === part);
    return {
      name: "checkpointable",
      attributes: { name: part, xpos: place?.x, ypos: place?.y, us: us(timing.of(part)) },
    };
  });
  const named = children.map((child) => ({ name: "child", attributes: { name: child } }));
  const phases = Array.from(timing.phases, ([name, at]) => ({ name: "phase", attributes: { name, at_us: us(at) } }));
  const attributes = { name, module, parallel, us: us(timing.totalUs) };
  return writeXml({ name: "checkpoint", attributes, children: [...named, ...phases, ...parts] });
}

export interface SavedReporting {
  /** A slot. */
  readonly session: number;
  readonly opened: boolean;
  readonly waiting: string;
}

/** The supervisor's Report session; opened with the first report. */
export class TimingReporter {
  readonly #rtcr: () => Pick<Rtcr, "open">;
  #session: Capability<ReportSession> = INVALID;
  #opened = false;
  /** The last report, until the session is there. */
  #waiting = "";

  /** @param again what `capture` gave */
  constructor(
    rtcr: () => Pick<Rtcr, "open">,
    again?: { readonly saved: SavedReporting; readonly slots: SlotReader } | undefined,
  ) {
    this.#rtcr = rtcr;
    if (!again) return;
    this.#session = again.slots.held<ReportSession>(again.saved.session, "report");
    this.#opened = again.saved.opened;
    this.#waiting = again.saved.waiting;
  }

  capture(slots: SlotWriter): SavedReporting {
    return { session: slots.held(this.#session), opened: this.#opened, waiting: this.#waiting };
  }

  report(text: string): void {
    this.#waiting = text;
    if (this.#session.valid) return this.#send();
    if (this.#opened) return;
    this.#opened = true;
    const donation = { ram: DONATION.Report.ram + toPages(BUFFER_BYTES), caps: DONATION.Report.caps };
    const args = new Map([["buffer_size", String(BUFFER_BYTES)]]);
    this.#rtcr().open({ service: "Report", label: REPORT_LABEL, donation, args }, this.events());
  }

  /** What becomes of the session. */
  events(): OwnEvents {
    return {
      ready: (capability: Capability) => {
        this.#session = capability as Capability<ReportSession>;
        this.#send();
      },
      refused: () => {}, // init has said so; there are no reports then
    };
  }

  #send(): void {
    const session = objectOf<ReportSession>(this.#session, "report");
    const buffer = session && objectOf<Dataspace>(session.dataspace(), "dataspace");
    const bytes = new TextEncoder().encode(this.#waiting);
    if (!buffer || bytes.length > contentOf(buffer).length) return;
    buffer.write(0, bytes);
    session?.submit(bytes.length);
  }
}

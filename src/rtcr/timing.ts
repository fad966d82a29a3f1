// How long the parts of a checkpoint took, and the report of it (S81, spec 1.5 and 3.5): for each child the microseconds of
// the thesis's workers, by their names, and where the configuration places them (S76).
//
//   <rtcr_state name="sys" module="base" parallel="no" us="812.5">
//     <child name="sheep_counter" cpu_session="20.5" pd_session="31.2" ram_dataspaces="640.1" .../> ...
//     <phase name="held" at_us="12.1"/> ...
//     <checkpointable name="ram_dataspaces" xpos="1" ypos="0"/> ...
//   </rtcr_state>
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
const BUFFER_BYTES = 16_384;
/** In its place if it is longer, as init says it of its own. */
const TOO_LONG = '<rtcr_state error="report buffer exceeded"/>\n';
export const REPORT_LABEL = "rtcr_state";
/** Images of before have reports that were labelled otherwise. */
const REPORT_LABELS: readonly string[] = [REPORT_LABEL, "checkpoint"];

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

type Times = Record<Checkpointable, number>;

/** The times of one checkpoint, in microseconds. */
export class Timing {
  readonly #begin = performance.now();
  readonly #children = new Map<string, Times>();
  #joinedUs = 0;

  /** When each phase began, for the first time. */
  readonly phases = new Map<CheckpointPhase, number>();

  /** A phase begins. */
  enter(phase: CheckpointPhase): void {
    if (!this.phases.has(phase)) this.phases.set(phase, this.totalUs);
  }

  /** Measures one part of a child. */
  measure<T>(name: string, child: string, body: () => T): T {
    const part = PARTS[name];
    const begin = performance.now();
    try {
      return body();
    } finally {
      if (part) this.#timesOf(child)[part] += (performance.now() - begin) * 1000;
    }
  }

  /** Measures how long is waited for copies of all children. */
  join(body: () => void): void {
    const begin = performance.now();
    body();
    this.#joinedUs += (performance.now() - begin) * 1000;
  }

  of(child: string, part: Checkpointable): number {
    return this.#children.get(child)?.[part] ?? 0;
  }

  get joinedUs(): number {
    return this.#joinedUs;
  }

  /** Since it was made. */
  get totalUs(): number {
    return (performance.now() - this.#begin) * 1000;
  }

  #timesOf(child: string): Times {
    const known = this.#children.get(child);
    if (known) return known;
    const none = Object.fromEntries(CHECKPOINTABLES.map((name) => [name, 0])) as Times;
    this.#children.set(child, none);
    return none;
  }
}

/** The report of a checkpoint that has just been made. */
export function timingReport(
  timing: Timing,
  { name, children }: { readonly name: string; readonly children: readonly string[] },
  { module, parallel, workers }: RtcrConfig,
): string {
  const us = (value: number) => value.toFixed(1);
  const timed = children.map((child) => {
    const times = CHECKPOINTABLES.map((part) => [part, us(timing.of(child, part))] as const);
    return { name: "child", attributes: { name: child, ...Object.fromEntries(times) } };
  });
  const phases = Array.from(timing.phases, ([name, at]) => ({ name: "phase", attributes: { name, at_us: us(at) } }));
  const places = workers.map(({ name, x, y }) => ({
    name: "checkpointable",
    attributes: { name, xpos: x, ypos: y },
  }));
  const joined = parallel ? { joined_us: us(timing.joinedUs) } : {};
  const attributes = { name, module, parallel, us: us(timing.totalUs), ...joined };
  return writeXml({ name: REPORT_LABEL, attributes, children: [...timed, ...phases, ...places] });
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

  /** Whether a session that a saved supervisor had opened itself is that of reports. */
  static opened(service: string, label: string): boolean {
    return service === "Report" && REPORT_LABELS.includes(label);
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
    if (!buffer) return;
    const room = contentOf(buffer).length;
    const whole = new TextEncoder().encode(this.#waiting);
    const bytes = whole.length <= room ? whole : new TextEncoder().encode(TOO_LONG);
    buffer.write(0, bytes);
    session?.submit(bytes.length);
  }
}

// When the state report is sent (spec 3.5): at most once in `delay_ms`, at once for urgent changes, again and again while
// it holds figures that change by themselves.
import {
  type Capability,
  type Dataspace,
  DONATION,
  INVALID,
  objectOf,
  type ReportSession,
  type SlotReader,
  type SlotWriter,
} from "../../session/index.ts";
import type { ReportConfig } from "../config/types.ts";
import { writeXml } from "../config/xml-writer.ts";
import type { OwnEvents, OwnSessions } from "../own-sessions.ts";
import type { Timeouts } from "../timeouts.ts";
import type { Work } from "../work.ts";
import { OVERFLOW, type StateSource, stateReport } from "./state.ts";

/** Shortest period of reports with figures of children. */
const PERIOD_MS = 1000;
const LABEL = "state";
/** Timeouts. */
const DELAY = "report";
const PERIOD = "report period";

export interface SavedReporter {
  /** A slot. */
  readonly session: number;
  readonly buffer: number;
  readonly posted: boolean;
}

export interface ReporterParts {
  readonly sessions: OwnSessions;
  readonly timeouts: Timeouts;
  readonly later: (work: Work) => void;
  readonly source: () => StateSource;
  readonly warn: (message: string) => void;
}

export class Reporter {
  readonly #parts: ReporterParts;
  #config: ReportConfig | undefined;
  #session: Capability<ReportSession> = INVALID;
  /** Bytes of the session's buffer; 0 before one was asked for. */
  #buffer = 0;
  #posted = false;

  constructor(parts: ReporterParts) {
    this.#parts = parts;
  }

  /** Undefined: no reports. A larger buffer opens a new session. */
  configure(config: ReportConfig | undefined): void {
    this.#config = config;
    if (!config) return this.#stop();
    if (config.bufferBytes > this.#buffer) this.#open(config.bufferBytes);
    this.#parts.timeouts.cancel(PERIOD);
    if (config.childRam || config.childCaps) this.#schedulePeriod();
    this.changed(true);
  }

  changed(urgent: boolean): void {
    if (!this.#config) return;
    const { timeouts } = this.#parts;
    if (urgent) this.#post();
    else if (!timeouts.has(DELAY)) timeouts.set(DELAY, this.#config.delayMs, () => this.#send());
  }

  #stop(): void {
    this.#parts.timeouts.cancel(DELAY);
    this.#parts.timeouts.cancel(PERIOD);
  }

  #open(bufferBytes: number): void {
    this.#buffer = bufferBytes;
    const donation = { ram: DONATION.Report.ram + bufferBytes, caps: DONATION.Report.caps };
    const args = new Map([["buffer_size", String(bufferBytes)]]);
    this.#parts.sessions.open({ service: "Report", label: LABEL, donation, args }, this.events());
  }

  /** What becomes of the Report session. */
  events(): OwnEvents {
    return {
      ready: (capability) => {
        this.#session = capability as Capability<ReportSession>;
        this.changed(true);
      },
      refused: (reason) => this.#parts.warn(`no Report session, the state is not reported: ${reason}`),
    };
  }

  capture(slots: SlotWriter): SavedReporter {
    return { session: slots.held(this.#session), buffer: this.#buffer, posted: this.#posted };
  }

  /** @param config as is in force */
  restore({ session, buffer, posted }: SavedReporter, config: ReportConfig | undefined, slots: SlotReader): void {
    this.#config = config;
    this.#session = slots.held<ReportSession>(session, "report");
    this.#buffer = buffer;
    this.#posted = posted;
  }

  #schedulePeriod(): void {
    const { timeouts } = this.#parts;
    const period = Math.max(PERIOD_MS, this.#config?.delayMs ?? 0);
    timeouts.set(PERIOD, period, () => this.#periodOver());
  }

  #periodOver(): void {
    this.#schedulePeriod();
    this.#send();
  }

  /** A timeout of that name is over; undefined: it is none of the reporter's. */
  runOf(name: string): (() => void) | undefined {
    if (name === PERIOD) return () => this.#periodOver();
    return name === DELAY ? () => this.#send() : undefined;
  }

  /** Sends from the event loop, when the change is complete, once for all changes until then. */
  #post(): void {
    if (this.#posted) return;
    this.#posted = true;
    this.#parts.later({ do: "report" });
  }

  /** The work that was put off. */
  report(): void {
    this.#posted = false;
    this.#send();
  }

  #send(): void {
    const { timeouts, source, warn } = this.#parts;
    timeouts.cancel(DELAY);
    const session = objectOf<ReportSession>(this.#session, "report");
    if (!this.#config || !session) return;
    const limit = Math.min(this.#buffer, this.#config.bufferBytes);
    let bytes = encode(writeXml(stateReport(this.#config, source())));
    if (bytes.length > limit) {
      warn(`the state report has ${bytes.length} bytes, its buffer ${limit}; raise <report buffer="...">`);
      bytes = encode(writeXml(OVERFLOW));
    }
    const dataspace: Dataspace | undefined = session.dataspace().object;
    if (dataspace && dataspace.write(0, bytes) === bytes.length) session.submit(bytes.length);
  }
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

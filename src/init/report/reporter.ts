// When the state report is sent (spec 3.5): at most once in `delay_ms`, at once for urgent changes, again and again while
// it holds figures that change by themselves.
import { type Dataspace, DONATION, objectOf, type ReportSession } from "../../session/index.ts";
import type { ReportConfig } from "../config/types.ts";
import { writeXml } from "../config/xml-writer.ts";
import type { OwnSessions } from "../own-sessions.ts";
import type { Timeouts } from "../timeouts.ts";
import { OVERFLOW, type StateSource, stateReport } from "./state.ts";

/** Shortest period of reports with figures of children. */
const PERIOD_MS = 1000;
const LABEL = "state";

export interface ReporterParts {
  readonly sessions: OwnSessions;
  readonly timeouts: Timeouts;
  readonly later: (work: () => void) => void;
  readonly source: () => StateSource;
  readonly warn: (message: string) => void;
}

export class Reporter {
  readonly #parts: ReporterParts;
  #config: ReportConfig | undefined;
  #session: ReportSession | undefined;
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
    this.#parts.timeouts.cancel("report period");
    if (config.childRam || config.childCaps) this.#schedulePeriod();
    this.changed(true);
  }

  changed(urgent: boolean): void {
    if (!this.#config) return;
    const { timeouts } = this.#parts;
    if (urgent) this.#post();
    else if (!timeouts.has("report")) timeouts.set("report", this.#config.delayMs, () => this.#send());
  }

  #stop(): void {
    this.#parts.timeouts.cancel("report");
    this.#parts.timeouts.cancel("report period");
  }

  #open(bufferBytes: number): void {
    this.#buffer = bufferBytes;
    const donation = { ram: DONATION.Report.ram + bufferBytes, caps: DONATION.Report.caps };
    const args = new Map([["buffer_size", String(bufferBytes)]]);
    this.#parts.sessions.open(
      { service: "Report", label: LABEL, donation, args },
      {
        ready: (capability) => {
          this.#session = objectOf<ReportSession>(capability, "report");
          this.changed(true);
        },
        refused: (reason) => this.#parts.warn(`no Report session, the state is not reported: ${reason}`),
      },
    );
  }

  #schedulePeriod(): void {
    const { timeouts } = this.#parts;
    const period = Math.max(PERIOD_MS, this.#config?.delayMs ?? 0);
    timeouts.set("report period", period, () => {
      this.#schedulePeriod();
      this.#send();
    });
  }

  /** Sends from the event loop, when the change is complete, once for all changes until then. */
  #post(): void {
    if (this.#posted) return;
    this.#posted = true;
    this.#parts.later(() => {
      this.#posted = false;
      this.#send();
    });
  }

  #send(): void {
    const { timeouts, source, warn } = this.#parts;
    timeouts.cancel("report");
    if (!this.#config || !this.#session) return;
    const limit = Math.min(this.#buffer, this.#config.bufferBytes);
    let bytes = encode(writeXml(stateReport(this.#config, source())));
    if (bytes.length > limit) {
      warn(`the state report has ${bytes.length} bytes, its buffer ${limit}; raise <report buffer="...">`);
      bytes = encode(writeXml(OVERFLOW));
    }
    const dataspace: Dataspace | undefined = this.#session.dataspace().object;
    if (dataspace && dataspace.write(0, bytes) === bytes.length) this.#session.submit(bytes.length);
  }
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

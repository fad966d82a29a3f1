// A 16550 serial port (PC16550D data sheet): registers, FIFOs, interrupts, line speed, loopback.
//
// Goal: drivers written for the chip work unchanged, and see the same order of events as on real hardware. Characters
// take their time on the line: start bit, data, parity, stop bits at the divisor's speed.
//
//   offset  read                 write               DLAB = 1
//   0       receive buffer       transmit holding    divisor low
//   1       interrupt enable     interrupt enable    divisor high
//   2       interrupt identity   FIFO control
//   3       line control         line control
//   4       modem control        modem control
//   5       line status
//   6       modem status
//   7       scratch              scratch
//
// I1  The interrupt line is asserted exactly while the identity register reads as pending; each change of state ends
//     in `#settle`.
// I2  At most one character is in the shift register; holding register or FIFO hold the rest.
// I3  Line errors other than overrun do not exist: the other end sends what the line control says. A break is visible only
//     in loopback.
// The other end has a queue of its own: `receive` never loses anything, the chip may (overrun).
import { Fault } from "../../util/index.ts";
import type { Alarm, Alarms } from "../timer/index.ts";
import type { Device, PortRange } from "./device.ts";
import { InterruptLine } from "./interrupt-line.ts";

/** A serial port was configured with numbers that it cannot have. */
export class SerialFault extends Fault<"bad-serial-port"> {}

export interface SerialOptions {
  readonly name?: string;
  /** First of eight ports; 0x3f8 unless given. */
  readonly base?: number;
  /** Interrupt number; 4 unless given. */
  readonly irq?: number;
  /** The line's speed and time-outs run on these. */
  readonly alarms: Alarms;
  /** Called with each character that has left the port. */
  readonly transmitted: (byte: number) => void;
}

const CLOCK_HZ = 1_843_200;
const FIFO_BYTES = 16;
/** Receive FIFO levels that interrupt, by the two upper bits of FIFO control. */
const TRIGGER_LEVELS = [1, 4, 8, 14] as const;

const IER = { data: 1, holding: 2, line: 4, modem: 8 } as const;
const IIR = { none: 1, modem: 0, holding: 2, data: 4, line: 6, timeout: 12, fifo: 0xc0 } as const;
const FCR = { enable: 1, clearReceive: 2, clearTransmit: 4 } as const;
const LCR = { stop: 4, parity: 8, break: 0x40, divisor: 0x80 } as const;
const MCR = { dtr: 1, rts: 2, out1: 4, out2: 8, loop: 16 } as const;
const LSR = { data: 1, overrun: 2, break: 16, holding: 32, empty: 64, fifoError: 128 } as const;
const MSR = { cts: 16, dsr: 32, ri: 64, dcd: 128 } as const;

/** A received character; `brk`: it stands for a break that has not been reported. */
interface Received {
  readonly byte: number;
  readonly brk: boolean;
}

export class Serial16550 implements Device {
  readonly name: string;
  readonly ports: readonly PortRange[];
  readonly interrupts: readonly InterruptLine[];
  readonly #line: InterruptLine;
  readonly #alarms: Alarms;
  readonly #transmitted: (byte: number) => void;

  #ier = 0;
  #fcr = 0;
  #lcr = 0;
  #mcr = 0;
  #scratch = 0;
  #divisor = 12;
  /** Error bits since line status was read. */
  #errors = 0;
  #modem: number = MSR.cts | MSR.dsr | MSR.dcd;
  #modemDeltas = 0;

  #receiveFifo: Received[] = [];
  #transmitFifo: number[] = [];
  #shifting: Alarm | undefined;
  #arriving: Alarm | undefined;
  #timeout: Alarm | undefined;
  /** Sent by the other end, not arrived yet. */
  #incoming: number[] = [];
  #timedOut = false;
  /** The holding register became empty, and nobody has noticed. */
  #holdingPending = false;

  constructor({ name = "serial", base = 0x3f8, irq = 4, alarms, transmitted }: SerialOptions) {
    if (!Number.isInteger(base) || base < 0 || base > 0xfff8) {
      throw new SerialFault("bad-serial-port", `${name}: port base ${base}, expected 0 to 0xfff8`, { base });
    }
    this.name = name;
    this.#alarms = alarms;
    this.#transmitted = transmitted;
    this.#line = new InterruptLine(irq);
    this.interrupts = [this.#line];
    const read = (offset: number) => this.#read(offset);
    this.ports = [{ base, size: 8, read, write: (offset, value) => this.#write(offset, value & 0xff) }];
  }

  /** The other end sends: characters arrive one after another at the line's speed. Ignored while looped back. */
  receive(bytes: Uint8Array): void {
    this.#incoming.push(...bytes);
    this.#nextArrival();
  }

  /** The other end's modem lines; all but the ring indicator are set at first. */
  setModemLines(lines: {
    readonly cts?: boolean;
    readonly dsr?: boolean;
    readonly ri?: boolean;
    readonly dcd?: boolean;
  }): void {
    let modem = this.#modem;
    for (const [name, value] of Object.entries(lines) as [keyof typeof MSR, boolean | undefined][]) {
      if (value !== undefined) modem = value ? modem | MSR[name] : modem & ~MSR[name];
    }
    if (!this.#looped()) this.#noteModem(this.#modem, modem);
    this.#modem = modem;
    this.#settle();
  }

  /** Microseconds that one character takes on the line. */
  characterUs(): number {
    const data = 5 + (this.#lcr & 3);
    const stop = this.#lcr & LCR.stop ? (data === 5 ? 1.5 : 2) : 1;
    const bits = 1 + data + (this.#lcr & LCR.parity ? 1 : 0) + stop;
    return (bits * 16 * Math.max(1, this.#divisor) * 1e6) / CLOCK_HZ;
  }

  dispose(): void {
    for (const alarm of [this.#shifting, this.#arriving, this.#timeout]) alarm?.cancel();
    this.#incoming = [];
    this.#line.set(false);
  }

  #read(offset: number): number {
    if (this.#lcr & LCR.divisor && offset < 2) return offset === 0 ? this.#divisor & 0xff : this.#divisor >> 8;
    switch (offset) {
      case 0:
        return this.#takeReceived();
      case 1:
        return this.#ier;
      case 2:
        return this.#identify();
      case 3:
        return this.#lcr;
      case 4:
        return this.#mcr;
      case 5:
        return this.#readLineStatus();
      case 6:
        return this.#readModemStatus();
      default:
        return this.#scratch;
    }
  }

  #write(offset: number, value: number): void {
    if (this.#lcr & LCR.divisor && offset < 2) {
      this.#divisor = offset === 0 ? (this.#divisor & 0xff00) | value : (this.#divisor & 0xff) | (value << 8);
      return;
    }
    if (offset === 0) this.#hold(value);
    else if (offset === 1) this.#enable(value & 15);
    else if (offset === 2) this.#controlFifos(value);
    else if (offset === 3) this.#controlLine(value);
    else if (offset === 4) this.#controlModem(value & 31);
    else if (offset === 7) this.#scratch = value;
    this.#settle();
  }

  // Receiving

  #takeReceived(): number {
    const taken = this.#receiveFifo.shift();
    this.#timedOut = false;
    this.#restartTimeout();
    this.#raiseBreak();
    this.#settle();
    return taken?.byte ?? 0;
  }

  #nextArrival(): void {
    if (this.#arriving || this.#incoming.length === 0) return;
    this.#arriving = this.#alarms.at(this.#alarms.nowUs() + this.characterUs(), () => {
      this.#arriving = undefined;
      const byte = this.#incoming.shift();
      if (byte !== undefined && !this.#looped()) this.#arrive({ byte: byte & this.#dataMask(), brk: false });
      this.#nextArrival();
    });
  }

  #arrive(received: Received): void {
    const full = this.#receiveFifo.length >= (this.#fifos() ? FIFO_BYTES : 1);
    if (full) this.#errors |= LSR.overrun;
    // Without FIFO the new character takes the old one's place; with FIFO the shift register's content is lost.
    if (full && !this.#fifos()) this.#receiveFifo = [received];
    else if (!full) this.#receiveFifo.push(received);
    this.#raiseBreak();
    this.#timedOut = false;
    this.#restartTimeout();
    this.#settle();
  }

  /** A break is reported when its character is the next to be read. */
  #raiseBreak(): void {
    const first = this.#receiveFifo[0];
    if (!first?.brk) return;
    this.#errors |= LSR.break;
    this.#receiveFifo[0] = { ...first, brk: false };
  }

  /** With FIFO: data that nobody reads is reported after four characters' time. */
  #restartTimeout(): void {
    this.#timeout?.cancel();
    this.#timeout = undefined;
    if (!this.#fifos() || this.#receiveFifo.length === 0) return;
    this.#timeout = this.#alarms.at(this.#alarms.nowUs() + 4 * this.characterUs(), () => {
      this.#timeout = undefined;
      this.#timedOut = true;
      this.#settle();
    });
  }

  // Sending

  #hold(byte: number): void {
    if (this.#transmitFifo.length >= (this.#fifos() ? FIFO_BYTES : 1)) this.#transmitFifo.pop();
    this.#transmitFifo.push(byte);
    this.#holdingPending = false;
    this.#shiftOut();
  }

  #shiftOut(): void {
    if (this.#shifting || this.#transmitFifo.length === 0) return;
    const byte = this.#transmitFifo.shift()! & this.#dataMask();
    if (this.#transmitFifo.length === 0) this.#holdingPending = true;
    this.#shifting = this.#alarms.at(this.#alarms.nowUs() + this.characterUs(), () => {
      this.#shifting = undefined;
      if (this.#looped()) this.#arrive({ byte, brk: false });
      else this.#transmitted(byte);
      this.#shiftOut();
      this.#settle();
    });
  }

  // Control

  #enable(value: number): void {
    // Enabling the interrupt of an empty holding register raises it at once.
    if (value & ~this.#ier & IER.holding && this.#transmitFifo.length === 0) this.#holdingPending = true;
    this.#ier = value;
  }

  #controlFifos(value: number): void {
    const toggled = (value ^ this.#fcr) & FCR.enable;
    if (toggled || (value & FCR.enable && value & FCR.clearReceive)) {
      this.#receiveFifo = [];
      this.#timedOut = false;
    }
    if ((toggled || (value & FCR.enable && value & FCR.clearTransmit)) && this.#transmitFifo.length > 0) {
      this.#transmitFifo = [];
      this.#holdingPending = true;
    }
    this.#fcr = value & FCR.enable ? value & 0xc9 : 0;
    this.#restartTimeout();
  }

  #controlLine(value: number): void {
    const startsBreak = value & ~this.#lcr & LCR.break;
    this.#lcr = value;
    if (startsBreak && this.#looped()) this.#arrive({ byte: 0, brk: true });
  }

  #controlModem(value: number): void {
    const before = this.#modemLines();
    this.#mcr = value;
    this.#noteModem(before, this.#modemLines());
  }

  // Status

  #identify(): number {
    const source = this.#source();
    if (source === IIR.holding) {
      this.#holdingPending = false;
      this.#settle();
    }
    return source | (this.#fifos() ? IIR.fifo : 0);
  }

  /** The pending interrupt of highest priority. */
  #source(): number {
    if (this.#ier & IER.line && this.#errors) return IIR.line;
    if (this.#ier & IER.data && this.#receiveFifo.length >= this.#triggerLevel()) return IIR.data;
    if (this.#ier & IER.data && this.#timedOut && this.#receiveFifo.length > 0) return IIR.timeout;
    if (this.#ier & IER.holding && this.#holdingPending) return IIR.holding;
    if (this.#ier & IER.modem && this.#modemDeltas) return IIR.modem;
    return IIR.none;
  }

  #readLineStatus(): number {
    const holding = this.#transmitFifo.length === 0;
    const broken = this.#errors & LSR.break || this.#receiveFifo.some(({ brk }) => brk);
    const status =
      (this.#receiveFifo.length > 0 ? LSR.data : 0) |
      this.#errors |
      (holding ? LSR.holding : 0) |
      (holding && !this.#shifting ? LSR.empty : 0) |
      (this.#fifos() && broken ? LSR.fifoError : 0);
    this.#errors = 0;
    this.#settle();
    return status;
  }

  #readModemStatus(): number {
    const status = this.#modemLines() | this.#modemDeltas;
    this.#modemDeltas = 0;
    this.#settle();
    return status;
  }

  /** Looped back, the port's own outputs take the place of the lines: RTS to CTS, DTR to DSR, OUT1 to RI, OUT2 to DCD. */
  #modemLines(): number {
    if (!this.#looped()) return this.#modem;
    const line = (output: number, input: number) => (this.#mcr & output ? input : 0);
    return line(MCR.rts, MSR.cts) | line(MCR.dtr, MSR.dsr) | line(MCR.out1, MSR.ri) | line(MCR.out2, MSR.dcd);
  }

  /** Changes since modem status was read; of the ring indicator only its end counts. */
  #noteModem(before: number, now: number): void {
    const changed = (before ^ now) & ~MSR.ri;
    this.#modemDeltas |= ((changed | (before & ~now & MSR.ri)) >> 4) & 15;
  }

  #settle(): void {
    this.#line.set(this.#source() !== IIR.none);
  }

  #fifos(): boolean {
    return (this.#fcr & FCR.enable) !== 0;
  }

  #triggerLevel(): number {
    return this.#fifos() ? TRIGGER_LEVELS[(this.#fcr >> 6) as 0 | 1 | 2 | 3] : 1;
  }

  #looped(): boolean {
    return (this.#mcr & MCR.loop) !== 0;
  }

  #dataMask(): number {
    return (1 << (5 + (this.#lcr & 3))) - 1;
  }
}

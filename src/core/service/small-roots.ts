// Roots of the smaller services: ROM, LOG, Timer, TRACE, Report, RM, IO_PORT, IO_MEM, IRQ, File_system, Terminal.
import {
  type Capability,
  type FileSystemObject,
  type FileSystemSession,
  type KernelObject,
  labelPrefix,
  lastElement,
  NO_QUOTA,
  numberArg,
  type Quota,
  type SessionState,
  type TerminalObject,
  type TerminalSession,
} from "../../session/index.ts";
import { required, success } from "../../util/index.ts";
import { CoreIoMem, CoreIoPort, CoreIrq, type DeviceBus, overlap, type Trigger } from "../devices/index.ts";
import { CoreLog, type LineSink } from "../log/index.ts";
import type { CoreContext } from "../memory/index.ts";
import { createRm } from "../pd/index.ts";
import { CoreReport } from "../report/index.ts";
import type { RomModules } from "../rom/index.ts";
import { type Alarms, CoreTimer } from "../timer/index.ts";
import { CoreTrace, type TraceSources } from "../trace/index.ts";
import { budgetDataspaces } from "./dataspaces.ts";
import { CoreRoot, denied, type OpenAttempt, type OpenSession, type RootOptions } from "./root.ts";

/** What core keeps of a donation for a session's own data, and for its capability. */
export const SESSION_COST: Quota = { ram: 1024, caps: 1 };

type Disposable = KernelObject & { dispose(): void };

/** Makes the capability of a session that has none of its own. */
export function openObject(core: CoreContext, object: Disposable): { readonly ok: true; readonly value: OpenSession } {
  const identity = core.badges.identify(object);
  const close = () => {
    identity.dispose();
    object.dispose();
  };
  return success({ capability: identity.capability, close });
}

function smallRoot(core: CoreContext, service: string, open: RootOptions["open"]): CoreRoot {
  return new CoreRoot({ service, cost: SESSION_COST, open, warn: core.warn });
}

/** The module is named by the label's last element. */
export function romRoot(core: CoreContext, modules: RomModules): CoreRoot {
  return smallRoot(core, "ROM", ({ label }) => {
    const session = modules.open(lastElement(label));
    return session ? openObject(core, session) : denied(`there is no module "${lastElement(label)}"`);
  });
}

export function logRoot(core: CoreContext, sink: LineSink): CoreRoot {
  return smallRoot(core, "LOG", ({ label }) => openObject(core, new CoreLog(label, sink)));
}

export function timerRoot(core: CoreContext, alarms: Alarms): CoreRoot {
  return smallRoot(core, "Timer", () => openObject(core, new CoreTimer(alarms)));
}

/** `parent_levels` widens the scope by so many elements of the label; `arg_buffer_size` is taken of the donation. */
export function traceRoot(core: CoreContext, sources: TraceSources): CoreRoot {
  return smallRoot(core, "TRACE", ({ label, args, budget }) => {
    const make = budgetDataspaces(core, budget);
    const argumentBuffer = make(numberArg(args, "arg_buffer_size"));
    if (!argumentBuffer.ok) return argumentBuffer;
    let scope = label;
    for (let level = numberArg(args, "parent_levels"); level > 0 && scope !== ""; level--) scope = labelPrefix(scope);
    return openObject(core, new CoreTrace({ scope, sources, make, argumentBuffer: argumentBuffer.value }));
  });
}

/** @param submitted is given each report with its session's label */
export function reportRoot(core: CoreContext, submitted: (label: string, report: Uint8Array) => void): CoreRoot {
  return smallRoot(core, "Report", ({ label, args, budget }) => {
    const buffer = budgetDataspaces(core, budget)(numberArg(args, "buffer_size"));
    if (!buffer.ok) return buffer;
    return openObject(core, new CoreReport(buffer.value, (report) => submitted(label, report)));
  });
}

/** Its cost is RM_COST, which the session takes itself. */
export function rmRoot(core: CoreContext): CoreRoot {
  const open: RootOptions["open"] = ({ label, donation }): OpenAttempt => {
    const rm = createRm(core, { label, donation });
    if (!rm.ok) return rm;
    const { capability } = rm.value;
    return success({ capability, upgrade: (quota) => rm.value.upgrade(quota), close: () => rm.value.dispose() });
  };
  return new CoreRoot({ service: "RM", cost: NO_QUOTA, open, warn: core.warn });
}

interface Range {
  readonly base: number;
  readonly size: number;
}

/** Ranges in use by sessions: each belongs to one. */
class Ranges {
  readonly #taken = new Set<Range>();

  /** Undefined: part of it is taken. */
  take(range: Range): (() => void) | undefined {
    if ([...this.#taken].some((taken) => overlap(taken, range))) return undefined;
    this.#taken.add(range);
    return () => this.#taken.delete(range);
  }
}

const PORTS = 65_536;

export function ioPortRoot(core: CoreContext, bus: DeviceBus): CoreRoot {
  const ranges = new Ranges();
  return smallRoot(core, "IO_PORT", ({ args }) => {
    const range = { base: numberArg(args, "io_port_base"), size: numberArg(args, "io_port_size") };
    const { base, size } = range;
    if (size < 1 || base + size > PORTS) return denied(`no range of ports: io_port_base=${base}, io_port_size=${size}`);
    const giveBack = ranges.take(range);
    if (!giveBack) return denied(`ports ${base} to ${base + size - 1} are in use`);
    const session = new CoreIoPort(bus, base, size);
    return withEnd(openObject(core, session), giveBack);
  });
}

export function ioMemRoot(core: CoreContext, bus: DeviceBus): CoreRoot {
  const ranges = new Ranges();
  return smallRoot(core, "IO_MEM", ({ args }) => {
    const range = { base: numberArg(args, "base"), size: numberArg(args, "size") };
    if (range.size < 1) return denied("no range of memory: size=0");
    const giveBack = ranges.take(range);
    if (!giveBack) return denied(`memory at 0x${range.base.toString(16)} is in use`);
    return withEnd(openObject(core, new CoreIoMem(bus, range.base, range.size)), giveBack);
  });
}

/** By the number that clients give. `irq_polarity` means nothing here: a device model raises its line, at no voltage. */
const TRIGGERS: readonly (Trigger | undefined)[] = [undefined, "level", "edge"];

export function irqRoot(core: CoreContext, bus: DeviceBus): CoreRoot {
  const used = new Set<number>();
  return smallRoot(core, "IRQ", ({ args }) => {
    const number = numberArg(args, "irq_number", -1);
    const line = bus.interrupt(number);
    if (!line) return denied(`there is no interrupt ${number}`);
    if (used.has(number)) return denied(`interrupt ${number} is in use`);
    used.add(number);
    const session = new CoreIrq(line, TRIGGERS[numberArg(args, "irq_trigger")]);
    return withEnd(openObject(core, session), () => used.delete(number));
  });
}

/** Makes a session for a label, of a captured state if there is one; undefined: there are no files for it. */
export type ProvideFiles = (label: string, state?: SessionState) => FileSystemSession | undefined;

/**
 * The terminal for a label, which may be given more than once; undefined: there is none. A captured state is one that a
 * client of it goes on from.
 */
export type ProvideTerminal = (label: string, state?: SessionState) => TerminalSession | undefined;

/** @param provide makes a session for a label; undefined: there are no files for it */
export function fileSystemRoot(core: CoreContext, provide: ProvideFiles): CoreRoot {
  return smallRoot(core, "File_system", ({ label }) => {
    let session = provide(label);
    if (!session) return denied("there are no files for it");
    const object: FileSystemObject & Disposable = {
      kind: "file-system",
      get session() {
        return session!;
      },
      reopen: (state) => {
        const again = required(provide(label, state), "files for a label that had some");
        session!.dispose();
        return (session = again);
      },
      dispose: () => session!.dispose(),
    };
    return openObject(core, object);
  });
}

export function terminalRoot(core: CoreContext, provide: ProvideTerminal): CoreRoot {
  return smallRoot(core, "Terminal", ({ label }) => {
    let session = provide(label);
    if (!session) return denied("there is no terminal for it");
    const object: TerminalObject & Disposable = {
      kind: "terminal",
      get session() {
        return session!;
      },
      reopen: (state) => (session = required(provide(label, state), "a terminal for a label that had one")),
      dispose: () => {},
    };
    return openObject(core, object);
  });
}

function withEnd(
  { value }: { readonly value: OpenSession },
  end: () => void,
): { readonly ok: true; readonly value: OpenSession } {
  const { capability }: { capability: Capability } = value;
  return success({
    capability,
    close: () => {
      value.close();
      end();
    },
  });
}

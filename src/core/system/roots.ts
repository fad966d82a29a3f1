// All services of core by name: PD and CPU with the kernel, and the smaller ones.
import { type Location, NO_QUOTA, numberArg, type Quota, type ServiceRoot } from "../../session/index.ts";
import { success } from "../../util/index.ts";
import { CoreCpuSession } from "../cpu/index.ts";
import type { DeviceBus } from "../devices/index.ts";
import { componentFor, type Kernel, type KernelThread } from "../kernel/index.ts";
import type { LineSink } from "../log/index.ts";
import type { CoreContext } from "../memory/index.ts";
import { Budget, type CorePd, createPd } from "../pd/index.ts";
import type { RomModules } from "../rom/index.ts";
import { budgetDataspaces } from "../service/dataspaces.ts";
import { CoreRoot } from "../service/root.ts";
import {
  fileSystemRoot,
  ioMemRoot,
  ioPortRoot,
  irqRoot,
  logRoot,
  type ProvideFiles,
  type ProvideTerminal,
  reportRoot,
  rmRoot,
  romRoot,
  SESSION_COST,
  terminalRoot,
  timerRoot,
  traceRoot,
} from "../service/small-roots.ts";
import type { AlarmClock } from "../timer/index.ts";
import { TraceControl, type TraceSource } from "../trace/index.ts";
import type { Grid } from "./core.ts";

/** What the services stand on. */
export interface RootsBase {
  readonly context: CoreContext;
  readonly kernel: Kernel;
  readonly clock: AlarmClock;
  readonly modules: RomModules;
  readonly devices: DeviceBus;
  readonly pds: Set<CorePd>;
}

export interface RootsOptions {
  readonly cpus: Grid;
  readonly output: LineSink;
  readonly files: ProvideFiles;
  readonly terminals: ProvideTerminal;
  readonly reported: (label: string, report: Uint8Array) => void;
}

const UNLIMITED: Quota = { ram: Number.MAX_SAFE_INTEGER, caps: Number.MAX_SAFE_INTEGER };

export function coreRoots(base: RootsBase, options: RootsOptions): ReadonlyMap<string, ServiceRoot> {
  const { context, clock, modules, devices } = base;
  return new Map<string, ServiceRoot>([
    ["PD", pdRoot(base)],
    ["CPU", cpuRoot(base, options.cpus)],
    ["ROM", romRoot(context, modules)],
    ["LOG", logRoot(context, options.output)],
    ["RM", rmRoot(context)],
    ["Timer", timerRoot(context, clock.alarms)],
    ["TRACE", traceRoot(context, () => threadsOf(base.kernel))],
    ["Report", reportRoot(context, options.reported)],
    ["IO_PORT", ioPortRoot(context, devices)],
    ["IO_MEM", ioMemRoot(context, devices)],
    ["IRQ", irqRoot(context, devices)],
    ["File_system", fileSystemRoot(context, options.files)],
    ["Terminal", terminalRoot(context, options.terminals)],
  ]);
}

/** A PD takes its cost of the donation itself. */
function pdRoot({ context, kernel, pds }: RootsBase): CoreRoot {
  return new CoreRoot({
    service: "PD",
    cost: NO_QUOTA,
    warn: context.warn,
    open: ({ label, donation }) => {
      const made = createPd(context, {
        label,
        donation,
        native: (pd) => componentFor(kernel, pd),
        deliver: (object, opcode, message) => kernel.deliver(object, opcode, message),
      });
      if (!made.ok) return made;
      const pd = made.value;
      pds.add(pd);
      const upgrade = (quota: Quota) => pd.upgrade(quota);
      const close = () => {
        pds.delete(pd);
        pd.destroy();
      };
      return success({ capability: pd.capability, upgrade, close });
    },
  });
}

function cpuRoot({ context, kernel }: RootsBase, space: Grid): CoreRoot {
  let whole: number | undefined = 1 << 15;
  const { badges, warn } = context;
  // A page a session at most: core's own affair.
  const blocks = budgetDataspaces(context, new Budget(UNLIMITED), "rom");
  return new CoreRoot({
    service: "CPU",
    cost: SESSION_COST,
    warn,
    open: ({ label, args, affinity, budget }) => {
      const session = new CoreCpuSession(kernel, {
        badges,
        label,
        warn,
        priority: numberArg(args, "priority"),
        space,
        account: budget,
        make: blocks,
        ...(given(affinity) ? { location: affinity } : {}),
        // The first session of a system has the whole processor to give away.
        ...(whole === undefined ? {} : { quota: whole }),
      });
      whole = undefined;
      return success({ capability: session.capability, close: () => session.dispose() });
    },
  });
}

function given({ width, height }: Location): boolean {
  return width > 0 && height > 0;
}

const sources = new WeakMap<KernelThread, TraceSource>();

function threadsOf(kernel: Kernel): Iterable<TraceSource> {
  return kernel.components.flatMap(({ threads }) => threads.map(sourceOf));
}

function sourceOf(thread: KernelThread): TraceSource {
  const known = sources.get(thread);
  if (known) return known;
  const source: TraceSource = {
    label: thread.owner instanceof CoreCpuSession ? thread.owner.label : thread.component.label,
    thread: thread.name,
    affinity: () => thread.location,
    executionUs: () => thread.usedMs * 1000,
    alive: () => !thread.dead,
    control: (thread.trace ??= new TraceControl(() => {
      if (thread.owner instanceof CoreCpuSession) thread.owner.traceChanged();
    })),
  };
  sources.set(thread, source);
  return source;
}

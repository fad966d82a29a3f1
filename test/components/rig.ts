// Runs components of apps/components/ in a whole system: core with init, time that passes only when everything rests.
// Under torture, all components are captured, thrown away and made anew at every n-th safe point.
import { readFileSync } from "node:fs";
import { buildComponents, componentNamed } from "../../scripts/build-guests.ts";
import { type CoreOptions, createRealClock, type NativeProgram } from "../../src/core/index.ts";
import { startNodeCpu } from "../../src/core/index-node.ts";
import { noKernelTicker, startKernelTicker } from "../../src/core/kernel/index.ts";
import { type CoreSystem, config, startSystem } from "../support/core-system.ts";
import { closeWithTest } from "../support/left-open.ts";
import { recreatesEvery } from "../support/recreates.ts";

export interface RunOptions {
  /** Start nodes and what else belongs into init's configuration. */
  readonly start: string;
  /** Components that are there as ROM modules, by their names in the manifest. */
  readonly apps: readonly string[];
  /** Attributes of `<config>`. */
  readonly attributes?: string;
  /** Ends the run; default: nothing moves any more. */
  readonly done?: (lines: readonly string[]) => boolean;
  /** At how many safe points everything is made anew; 0, the default: never. */
  readonly every?: number;
  /** Real time and time slices; `done` must end the run. Default: time passes when all rest, threads run until they wait. */
  readonly realTime?: boolean;
  /** Slices and time by safe points, for threads that never wait. */
  readonly deterministic?: boolean;
  /** Programs in TypeScript besides those that there are. */
  readonly natives?: Readonly<Record<string, NativeProgram>>;
  /** The functions of WASI programs. Default: there are none. */
  readonly wasi?: CoreOptions["wasi"];
  /** CPUs over which the start nodes are spread in turn. Default: 1 */
  readonly cpus?: number;
  /** Gets the reports of all components. */
  readonly reported?: CoreOptions["reported"];
  /** Has the system before its first component runs. */
  readonly begin?: (system: CoreSystem) => void;
  /** Looks at the system before it ends. */
  readonly inspect?: (system: CoreSystem) => void;
}

export interface Run {
  readonly lines: readonly string[];
  readonly warnings: readonly string[];
  /** Safe points passed, and how often everything was made anew. */
  readonly points: number;
  readonly recreations: number;
  /** Lines of one child, without its label. */
  of(child: string): string[];
}

/** Turns of the event loop without an end, after which a run is given up. */
const TURNS_LIMIT = 200_000;

/** Runs components of the manifest, compiled if they are out of date. */
export async function runComponents(options: RunOptions): Promise<Run> {
  const built = await buildComponents(options.apps.map(componentNamed));
  return runBinaries(
    options,
    Object.fromEntries(built.map(({ component, file }) => [component.name, readFileSync(file)])),
  );
}

/** @param binaries ROM modules by name */
export async function runBinaries(
  options: Omit<RunOptions, "apps">,
  binaries: Readonly<Record<string, Uint8Array>>,
): Promise<Run> {
  const system: CoreSystem = startSystem({
    config: config(placed(options), options.attributes),
    binaries,
    natives: options.natives ?? {},
    ...(options.wasi ? { wasi: options.wasi } : {}),
    ...(options.cpus ? { cpus: options.cpus, startCpu: startNodeCpu } : {}),
    ...(options.reported ? { reported: options.reported } : {}),
    ...(options.realTime
      ? { clock: createRealClock(), kernel: { ticker: startKernelTicker } }
      : options.deterministic
        ? { deterministic: true }
        : { kernel: { ticker: noKernelTicker, idle: (deadlineMs) => passTime(system, deadlineMs) } }),
  });
  closeWithTest(system.core.kernel);
  const counts = options.every ? recreatesEvery(system.core, options.every) : { points: 0, recreations: 0 };
  options.begin?.(system);
  const { lines, warnings, core, clock } = system;
  // without slices, a thread that never waits would keep all others from running
  if (options.realTime) await core.kernel.ready;
  const finished = () => options.done?.(lines) ?? false;
  for (let turn = 0; turn < TURNS_LIMIT && !finished(); turn++) {
    system.settle();
    if (options.realTime) await new Promise((resolve) => setTimeout(resolve, 1));
    else if (options.deterministic) await new Promise((resolve) => setImmediate(resolve));
    else await core.kernel.scheduler.quiet();
    if (options.realTime || options.deterministic) continue;
    if (core.tasks.empty && !clock.advanceToNext()) break;
  }
  options.inspect?.(system);
  system.close();
  const of = (child: string) => {
    const prefix = `[init -> ${child}] `;
    return lines.filter((line) => line.startsWith(prefix)).map((line) => line.slice(prefix.length));
  };
  return { lines, warnings, ...counts, of };
}

/** No thread can run, and some wait for a time: components in TypeScript have their turns, then that time comes. */
function passTime({ core, clock }: CoreSystem, deadlineMs: number): boolean {
  if (deadlineMs === Number.POSITIVE_INFINITY) return false;
  if (!core.tasks.empty) return core.tasks.run() > 0;
  const { alarms } = clock;
  const nextUs = Math.min(alarms.nextUs() ?? Number.POSITIVE_INFINITY, Math.ceil(deadlineMs * 1000 - 1e-3));
  clock.advance(Math.max(nextUs - alarms.nowUs(), 0));
  return true;
}

/** The start nodes, each with its CPU. */
function placed({ start, cpus }: Omit<RunOptions, "apps">): string {
  if (!cpus) return start;
  let next = 0;
  const nodes = start.replaceAll(/<start [^>]*>/g, (tag) => `${tag}<affinity xpos="${next++ % cpus}"/>`);
  return `<affinity-space width="${cpus}"/>${nodes}`;
}

/** A child that runs a component. @param inside of its start node, before the routes by default */
export function child(
  name: string,
  inside = "",
  { app = name, windows = false, caps = 400, ram = "16M" } = {},
): string {
  const binary = `<binary name="${app}"${windows ? ' windows="yes"' : ""}/>`;
  return `<start name="${name}" caps="${caps}" ram="${ram}">${binary}${inside}</start>`;
}

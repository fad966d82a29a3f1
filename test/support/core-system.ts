// A whole system in a test: core with init as its first component. Time passes only when the test says so; native
// components have their turns when it settles, guests by the kernel's own loop.
import assert from "node:assert/strict";
import { type CorePd, type NativeProgram, nativeBinary, VirtualClock } from "../../src/core/index.ts";
import { noKernelTicker } from "../../src/core/kernel/index.ts";
import { Core, type CoreOptions, type First } from "../../src/core/system/index.ts";
import { NATIVE_PROGRAMS } from "../../src/native/index.ts";
import type { Quota } from "../../src/session/index.ts";
import { nodeSha256 } from "../../src/store/index-node.ts";

export interface SystemOptions extends Partial<CoreOptions> {
  /** Init's configuration. */
  readonly config: string;
  /** Besides those that are always there. */
  readonly natives?: Readonly<Record<string, NativeProgram>>;
  readonly binaries?: Readonly<Record<string, Uint8Array>>;
}

export interface CoreSystem {
  readonly core: Core;
  readonly first: First;
  readonly clock: VirtualClock;
  readonly lines: string[];
  readonly warnings: string[];
  /** Gives init another configuration. */
  configure(config: string): void;
  /** The same, which init sees when it has its next turn. */
  change(config: string): void;
  /** Lets native components have all their turns. */
  settle(): void;
  advance(us: number): void;
  /** The PD of a child of init. */
  pd(name: string): CorePd | undefined;
  close(): void;
}

const QUOTA: Quota = { ram: 256 << 20, caps: 20_000 };
const encode = (text: string) => new TextEncoder().encode(text);

export function startSystem({ config, natives = {}, binaries = {}, ...options }: SystemOptions): CoreSystem {
  const [lines, warnings]: [string[], string[]] = [[], []];
  const programs = new Map([...NATIVE_PROGRAMS, ...Object.entries(natives)]);
  const modules = new Map(Array.from(programs.keys(), (name) => [name, nativeBinary(name)]));
  for (const [name, binary] of Object.entries(binaries)) modules.set(name, binary);
  const clock = new VirtualClock();
  const core = new Core({
    quota: QUOTA,
    modules,
    programs,
    clock,
    output: (line) => lines.push(line),
    warn: (line) => warnings.push(line),
    hash: nodeSha256,
    kernel: { ticker: noKernelTicker },
    ...options,
  });
  const module = core.modules.dynamic("config", encode(config));
  const first = core.start({ name: "init", binary: "init" });
  const settle = () => assert.ok(core.tasks.runAll(100_000), "the system comes to rest");
  settle();
  return {
    core,
    first,
    clock,
    lines,
    warnings,
    settle,
    change: (text) => void module.change(encode(text)),
    configure: (text) => {
      module.change(encode(text));
      settle();
    },
    advance: (us) => {
      clock.advance(us);
      settle();
    },
    pd: (name) => [...core.pds].find(({ label }) => label === `init -> ${name}`),
    close: () => core.dispose(),
  };
}

/** A child's start node with enough of everything. */
export function start(name: string, inside = "", attributes = 'caps="200" ram="4M"'): string {
  return `<start name="${name}" ${attributes}>${inside}</start>`;
}

const SERVICES = [
  ...["PD", "CPU", "ROM", "LOG", "RM", "Timer", "TRACE", "Report"],
  ...["IO_PORT", "IO_MEM", "IRQ", "File_system", "Terminal"],
];

/** A configuration with all services of core routed to the parent, for children without routes of their own. */
export function config(inside: string, attributes = ""): string {
  const services = SERVICES.map((name) => `<service name="${name}"/>`).join("");
  return `<config ${attributes}><parent-provides>${services}</parent-provides>
    <default-route><any-service><parent/><any-child/></any-service></default-route>${inside}</config>`;
}

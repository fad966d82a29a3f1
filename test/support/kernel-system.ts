// A small system for tests: a kernel with PDs, CPU and LOG sessions of core, and guests in the text format.
import { CoreCpuSession } from "../../src/core/cpu/index.ts";
import { CoreLog } from "../../src/core/index.ts";
import {
  type Component,
  componentFor,
  Kernel,
  type KernelOptions,
  noKernelTicker,
  type StartCpu,
} from "../../src/core/kernel/index.ts";
import { type CoreContext, createCoreContext, createDataspace } from "../../src/core/memory/index.ts";
import { type CorePd, createPd, createRootPd } from "../../src/core/pd/index.ts";
import type {
  Capability,
  CpuThread,
  Dataspace,
  KernelObject,
  LoadOptions,
  LogSession,
  PdSession,
} from "../../src/session/index.ts";
import { nodeSha256 } from "../../src/store/index-node.ts";
import { assert } from "../../src/util/index.ts";
import { assemble } from "../assemble.ts";
import { loadMarked, WrittenAudit } from "./written-audit.ts";

/** Slots in which every guest of a test system finds its sessions. */
export const SLOT = { log: 1, pd: 2, cpu: 3, free: 4 } as const;

/** The beginning of every guest: the kernel's functions, a memory, a stack pointer, and `$log` (message, number). */
export const PRELUDE = `
  (import "rtcr_kernel_v1" "call" (func $call (param i32 i32 i32) (result i32)))
  (import "rtcr_kernel_v1" "serve" (func $serve (param i32 i32 i32)))
  (import "rtcr_kernel_v1" "serve_signals" (func $serve_signals (param i32)))
  (import "rtcr_kernel_v1" "ep_wakeup" (func $ep_wakeup (param i32)))
  (import "rtcr_kernel_v1" "ep_wait_wakeup" (func $ep_wait_wakeup (param i32) (result i32)))
  (import "rtcr_kernel_v1" "futex_wait" (func $futex_wait (param i32 i32 i64) (result i32)))
  (import "rtcr_kernel_v1" "futex_wake" (func $futex_wake (param i32 i32) (result i32)))
  (import "rtcr_kernel_v1" "cap_badge" (func $cap_badge (param i32) (result i32)))
  (import "rtcr_kernel_v1" "cap_retain" (func $cap_retain (param i32)))
  (import "rtcr_kernel_v1" "cap_release" (func $cap_release (param i32)))
  (import "rtcr_kernel_v1" "parent" (func $parent (result i32)))
  (import "rtcr_kernel_v1" "self" (func $self (result i32)))
  (import "rtcr_kernel_v1" "yield" (func $yield))
  (memory (export "memory") 2)
  (global $__stack_pointer (mut i32) (i32.const 65536))
  (type $dispatch (func (param i32 i32 i32 i32) (result i32)))
  ;; Writes a number to the log, as eight hexadecimal digits; uses the message buffer at $m.
  (func $log (param $m i32) (param $value i32) (local $i i32) (local $digit i32)
    (i32.store (local.get $m) (i32.const 12))
    (i32.store offset=4 (local.get $m) (i32.const 0))
    (i32.store offset=40 (local.get $m) (i32.const 8))
    (loop $next
      (local.set $digit (i32.and (i32.shr_u (local.get $value) (i32.sub (i32.const 28) (i32.shl (local.get $i) (i32.const 2)))) (i32.const 15)))
      (i32.store8 offset=44 (i32.add (local.get $m) (local.get $i))
        (i32.add (local.get $digit) (select (i32.const 48) (i32.const 87) (i32.lt_u (local.get $digit) (i32.const 10)))))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 8))))
    (drop (call $call (i32.const 1) (i32.const 0) (local.get $m))))
  ;; Calls with a message of one word in and one out; the status in the upper half if it is not 0.
  (func $ask (param $m i32) (param $slot i32) (param $opcode i32) (param $word i32) (result i32) (local $status i32)
    (i32.store (local.get $m) (i32.const 4))
    (i32.store offset=4 (local.get $m) (i32.const 0))
    (i32.store offset=40 (local.get $m) (local.get $word))
    (local.set $status (call $call (local.get $slot) (local.get $opcode) (local.get $m)))
    (if (result i32) (local.get $status)
      (then (i32.shl (local.get $status) (i32.const 16)))
      (else (i32.load offset=40 (local.get $m)))))`;

export interface TestComponent {
  readonly label: string;
  readonly pd: CorePd;
  readonly cpu: CoreCpuSession;
  readonly component: Component;
  /** Makes a thread. */
  thread(name: string, weight?: number): CpuThread & { readonly capability: Capability<CpuThread> };
  /** Makes a thread and starts it. */
  start(name: string, ip?: number, sp?: number): ReturnType<TestComponent["thread"]>;
}

export interface TestComponentOptions {
  /** Quota of its PD, in bytes. */
  readonly ram?: number;
  readonly priority?: number;
  readonly quota?: number;
  readonly load?: LoadOptions;
  readonly growthRequests?: boolean;
  /** Where its threads run; default: 0. */
  readonly cpu?: number;
  /** On how many CPUs from there on threads of `thread-spawn` are; default: one. */
  readonly cpus?: number;
}

const ROOT = { ram: 2 ** 40, caps: 2 ** 30 };
const DONATION = { ram: 1 << 20, caps: 1000 };

export class TestSystem {
  readonly core: CoreContext;
  readonly kernel: Kernel;
  readonly lines: string[] = [];
  readonly warnings: string[] = [];
  readonly root: CorePd;
  /** Where components run that say nothing else, and what starts that CPU: tests of one CPU can be run on another. */
  static elsewhere: { readonly cpu: number; readonly start: StartCpu } | undefined;
  /** Whether all programs mark what they write, and are watched between slices for what changes unsaid. */
  static audited = false;
  readonly #pds: CorePd[] = [];
  /** Of an audited system. */
  audit: WrittenAudit | undefined;

  /** Without a ticker, unless one is given: guests give way when they wait. */
  constructor(options: Partial<KernelOptions> = {}) {
    const { elsewhere } = TestSystem;
    this.core = createCoreContext({ warn: (line) => this.warnings.push(line) });
    this.kernel = new Kernel({
      badges: this.core.badges,
      hash: nodeSha256,
      ticker: noKernelTicker,
      warn: (line) => this.warnings.push(line),
      ...(elsewhere ? { cpus: { width: elsewhere.cpu + 1, height: 1, start: elsewhere.start } } : {}),
      ...options,
      ...(TestSystem.audited ? { load: loadMarked } : {}),
    });
    if (TestSystem.audited) this.#watch();
    this.root = createRootPd(this.core, { label: "root", donation: ROOT });
  }

  /**
   * A component with the program `fields` behind PRELUDE, or a whole module if there are bytes; its sessions lie in SLOT.
   *
   * @param options `priority` and `quota` of its CPU session; how its program is loaded; whether memory.grow may wait
   */
  component(label: string, program: string | Uint8Array, options: TestComponentOptions = {}): TestComponent {
    const { priority = 0, quota = 0, load, growthRequests = false, cpus = 1, ram } = options;
    const { cpu: x = TestSystem.elsewhere?.cpu ?? 0 } = options;
    const pd = this.pd(label, growthRequests, ram);
    const component = this.kernel.componentOf(pd.capability);
    assert(component, "a component");
    const place = { location: { x, y: 0, width: cpus, height: 1 }, space: { width: x + cpus, height: 1 } };
    const cpu = new CoreCpuSession(this.kernel, { badges: this.core.badges, label, priority, quota, ...place });
    const log = this.core.badges.identify<LogSession>(new CoreLog(label, (line) => this.lines.push(line)));
    const { table } = component;
    for (const capability of [log.capability, pd.capability, cpu.capability]) table.insert(capability);
    const bytes = typeof program === "string" ? assemble(`(module ${PRELUDE} ${program})`) : program;
    const loaded = pd.nativePd().object!.load(this.rom(bytes), load);
    assert(loaded.ok, `${label}: ${component.problem}`);
    return testComponent(label, pd, cpu, component);
  }

  #watch(): void {
    const { scheduler, cpus } = this.kernel;
    const audit = new WrittenAudit(() => this.#pds);
    this.audit = audit;
    let inner = scheduler.between;
    const look = () => audit.look(`slice ${audit.looks}`);
    const between = () => {
      if (cpus) cpus.still(look);
      else look();
      inner();
    };
    const property = {
      get: () => between,
      set: (value: () => void) => {
        inner = value;
      },
    };
    Object.defineProperty(scheduler, "between", property);
  }

  /** A PD without a program, with much quota. */
  pd(label: string, growthRequests = false, ram = 2 ** 28): CorePd {
    const created = createPd(this.core, {
      label,
      donation: DONATION,
      native: (pd) => componentFor(this.kernel, pd, { growthRequests }),
      deliver: (object, opcode, message) => this.kernel.deliver(object, opcode, message),
    });
    assert(created.ok, "a PD");
    const pd = created.value;
    this.#pds.push(pd);
    pd.refAccount(this.root.capability);
    this.root.transferCapQuota(pd.capability, 2 ** 20);
    this.root.transferRamQuota(pd.capability, ram);
    return pd;
  }

  rom(content: Uint8Array): Capability<Dataspace> {
    const made = createDataspace(this.core, { origin: "rom", size: content.length, content });
    assert(made, "a ROM");
    return made.capability;
  }

  /** An object of a component's entrypoint, as a capability. */
  object(server: TestComponent, entrypoint: Capability<CpuThread>): Capability {
    const allocated = server.pd.allocRpcCap(entrypoint);
    assert(allocated.ok, "a capability");
    return allocated.value;
  }

  /** An identity for an object of the test. */
  capability<T extends KernelObject>(object: T): Capability<T> {
    return this.core.badges.identify<T>(object).capability;
  }

  /** Resolves when all threads wait for something that is not time, or have ended. */
  async rest(): Promise<void> {
    await this.kernel.scheduler.quiet();
  }

  close(): void {
    this.kernel.scheduler.close();
  }
}

function testComponent(label: string, pd: CorePd, cpu: CoreCpuSession, component: Component): TestComponent {
  const thread: TestComponent["thread"] = (name, weight = 10) => {
    const created = cpu.createThread(pd.capability as Capability<PdSession>, { name, weight });
    assert(created.ok && created.value.object, `thread ${name}`);
    return created.value.object as ReturnType<TestComponent["thread"]>;
  };
  const start: TestComponent["start"] = (name, ip = 0, sp = 0) => {
    const started = thread(name);
    started.start(ip, sp);
    return started;
  };
  return { label, pd, cpu, component, thread, start };
}

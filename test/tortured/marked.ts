// Runs systems of systems.ts whose programs all mark what they write, and looks at safe points for what has changed unsaid.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { MemoryVolumes } from "../../src/cli/torture/volumes.ts";
import { Core, nativeBinary, VirtualClock } from "../../src/core/index.ts";
import { startNodeCpu } from "../../src/core/index-node.ts";
import { INIT_PROGRAM } from "../../src/init/index.ts";
import { deterministicWasi } from "../../src/machine/component-wasi.ts";
import { NATIVE_PROGRAMS } from "../../src/native/index.ts";
import { RTCR_PROGRAM, rtcrProgram } from "../../src/rtcr/index.ts";
import { nodeSha256 } from "../../src/store/index-node.ts";
import { loadMarked, WrittenAudit } from "../support/written-audit.ts";
import type { TorturedSystem } from "./systems.ts";
import { configOf, programFile } from "./tortured.ts";

const QUOTA = { ram: 640 << 20, caps: 30_000 };
/** Looks at points side by side; from then on they lie twice as far apart, and so on. */
const DENSE_LOOKS = 40;
/** Microseconds of the system's own time that it is watched at most. */
const LIMIT_US = 20_000_000;

/** Turns of the event loop in which a system at rest is seen to be at rest. */
const REST_TURNS = 8;

/** Nothing runs, and nothing will. */
function atRest({ kernel, tasks }: Core, clock: VirtualClock): boolean {
  if (!tasks.empty || clock.alarms.nextUs() !== undefined || kernel.cpus?.busy) return false;
  return kernel.components.every(({ threads }) =>
    threads.every(({ runnable, deadlineMs }) => !runnable && deadlineMs === Number.POSITIVE_INFINITY),
  );
}

const began = () => {};
const ended = () => {};

/** @param cpus of the machine: each but the first is a thread of its own @returns what was looked at */
export async function watch(system: TorturedSystem, mostLooks: number, cpus = 1): Promise<WrittenAudit> {
  const modules = new Map<string, Uint8Array>(
    system.programs.map((name) => [name, new Uint8Array(readFileSync(programFile(name)))]),
  );
  const programs = new Map([...NATIVE_PROGRAMS, [RTCR_PROGRAM, rtcrProgram({ begin: () => ({}), began, ended })]]);
  for (const name of programs.keys()) modules.set(name, nativeBinary(name));
  for (const [name, bytes] of Object.entries(system.modules ?? {})) modules.set(name, bytes);
  const clock = new VirtualClock();
  const volumes = new MemoryVolumes(clock);
  let failure: unknown;
  const failed = (thrown: unknown) => {
    failure ??= thrown;
  };
  const core = new Core({
    quota: QUOTA,
    modules,
    programs,
    output: () => {},
    wasi: deterministicWasi,
    ...(system.memoryFiles ? { files: (label, state) => volumes.provide(label, state) } : {}),
    ...(cpus > 1 ? { cpus, startCpu: startNodeCpu } : {}),
    clock,
    deterministic: true,
    hash: nodeSha256,
    kernel: { load: loadMarked, failed },
  });
  const audit = new WrittenAudit(() => core.pds);
  const { kernel } = core;
  const slices = kernel.atPoint;
  let points = 0;
  kernel.atPoint = (component, cpu) => {
    const stride = 2 ** Math.floor(audit.looks / DENSE_LOOKS);
    const look = () => audit.look(`point ${points}`);
    if (++points % stride === 0 && audit.looks < mostLooks) {
      if (kernel.cpus) kernel.cpus.still(look);
      else look();
    }
    return slices(component, cpu);
  };
  core.modules.dynamic("config", new TextEncoder().encode(configOf(system)));
  let exited = false;
  void core.start({ name: "init", binary: INIT_PROGRAM }).exited.then(() => {
    exited = true;
  });
  try {
    for (let rest = 0; rest < REST_TURNS && !exited && clock.alarms.nowUs() < LIMIT_US && audit.looks < mostLooks; ) {
      await new Promise((resolve) => setImmediate(resolve));
      if (failure !== undefined) throw failure;
      rest = atRest(core, clock) ? rest + 1 : 0;
    }
    const end = () => audit.look("the end");
    if (kernel.cpus) kernel.cpus.still(end);
    else end();
    return audit;
  } finally {
    core.dispose();
  }
}

/** One test for each system. */
export function watchEach(systems: Readonly<Record<string, TorturedSystem>>, mostLooks: number, cpus = 1): void {
  for (const [name, system] of Object.entries(systems)) {
    test(`S108: nothing changes unmarked: ${name}${cpus > 1 ? `, on ${cpus} CPUs` : ""}`, async (t) => {
      const audit = await watch(system, mostLooks, cpus);
      const { looks, pages, written, changed } = audit;
      t.diagnostic(`${looks} looks at ${pages} pages: ${written} written, ${changed} changed`);
      const least = cpus > 1 ? 3 : 20; // on several, nobody promises when there is something to look at
      assert(looks > least && changed > least, `${looks} looks, ${changed} pages changed`);
    });
  }
}

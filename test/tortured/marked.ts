// Runs systems of systems.ts whose programs all mark what they write, and looks at safe points for what has changed unsaid.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { MemoryVolumes } from "../../src/cli/torture/volumes.ts";
import { Core, nativeBinary, VirtualClock } from "../../src/core/index.ts";
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

const began = () => {};
const ended = () => {};

/** Runs a system to its end, or for a while. @returns what was looked at */
export async function watch(system: TorturedSystem, mostLooks: number): Promise<WrittenAudit> {
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
    clock,
    deterministic: true,
    hash: nodeSha256,
    kernel: { load: loadMarked, failed },
  });
  const audit = new WrittenAudit(() => core.pds);
  const { kernel } = core;
  const slices = kernel.atPoint;
  let points = 0;
  kernel.atPoint = (component) => {
    const stride = 2 ** Math.floor(audit.looks / DENSE_LOOKS);
    if (++points % stride === 0 && audit.looks < mostLooks) audit.look(`point ${points}`);
    return slices(component);
  };
  core.modules.dynamic("config", new TextEncoder().encode(configOf(system)));
  let exited = false;
  void core.start({ name: "init", binary: INIT_PROGRAM }).exited.then(() => {
    exited = true;
  });
  try {
    for (let rest = 0; rest < 20 && !exited && clock.alarms.nowUs() < LIMIT_US && audit.looks < mostLooks; ) {
      await new Promise((resolve) => setImmediate(resolve));
      if (failure !== undefined) throw failure;
      const waits = core.tasks.empty && clock.alarms.nextUs() === undefined;
      const before = points;
      rest = waits && points === before ? rest + 1 : 0;
    }
    audit.look("the end");
    return audit;
  } finally {
    core.dispose();
  }
}

/** One test for each system. */
export function watchEach(systems: Readonly<Record<string, TorturedSystem>>, mostLooks: number): void {
  for (const [name, system] of Object.entries(systems)) {
    test(`S108: nothing changes unmarked: ${name}`, async (t) => {
      const audit = await watch(system, mostLooks);
      const { looks, pages, written, changed } = audit;
      t.diagnostic(`${looks} looks at ${pages} pages: ${written} written, ${changed} changed`);
      assert(looks > 20 && changed > 20, `${looks} looks, ${changed} pages changed`);
    });
  }
}

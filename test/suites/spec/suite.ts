// All scripts of a folder, one after the other, in a process of their own.

import { globSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { messageOf } from "../../../src/util/index.ts";
import { Isolation } from "../isolate.ts";
import type { FileReport } from "../report.ts";
import { WAYS } from "./world.ts";

const PROCESS = new URL("./process.ts", import.meta.url);

/** The scripts in and below a folder, or the one given. */
export function findScripts(path: string): string[] {
  if (statSync(path).isFile()) return [path];
  const files = globSync("**/*.json", { cwd: path }).sort();
  return files.map((file) => join(path, file)).filter((file) => readFileSync(file, "utf8").includes('"commands"'));
}

export interface SuiteOptions {
  /** For one script, all three ways together. */
  readonly deadlineMs: number;
  readonly progress?: (report: FileReport) => void;
}

/** Runs the scripts; a script that fails as a whole is one failure each way. */
export async function runSpecSuite(root: string, { deadlineMs, progress }: SuiteOptions): Promise<FileReport[]> {
  const reports: FileReport[] = [];
  const isolation = new Isolation<{ script: string }, FileReport>(PROCESS);
  for (const script of findScripts(root)) {
    const file = relative(root, script) || script;
    const found = await isolation.run({ script }, deadlineMs).catch((thrown) => broken(script, messageOf(thrown)));
    const report = { ...found, file, checks: found.checks.map((check) => ({ ...check, file })) };
    reports.push(report);
    progress?.(report);
  }
  isolation.close();
  return reports;
}

function broken(file: string, message: string): FileReport {
  const whole = { file, line: 0, what: "script", status: "failed", message } as const;
  return { file, checks: WAYS.map((way) => ({ ...whole, way })), points: 0, captures: 0 };
}

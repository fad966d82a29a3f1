// A leg of a tortured run in a process of its own: it is given a folder, and shares nothing else with who has started it.
//
//   step.json   what to do         result.json   what came of it
import { type ExecFileException, execFile } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isMainThread, Worker, workerData } from "node:worker_threads";
import { messageOf } from "../../util/index.ts";
import { CliFailure, EXIT } from "../failure.ts";
import { STACK_MB } from "./in-worker.ts";

/**
 * Runs a script that calls `actAsStep` to its end.
 *
 * @param order, and what comes of it: plain data, as JSON has it
 * @throws CliFailure when the process leaves no result
 */
export async function runStep<Order, Result>(script: URL, folder: string, order: Order): Promise<Result> {
  const resultFile = join(folder, "result.json");
  rmSync(resultFile, { force: true });
  writeFileSync(join(folder, "step.json"), JSON.stringify(order));
  const { failure, stderr } = await new Promise<{ failure: ExecFileException | null; stderr: string }>((resolve) => {
    execFile(process.execPath, [fileURLToPath(script), folder], (failure, _, stderr) => resolve({ failure, stderr }));
  });
  if (existsSync(resultFile)) return JSON.parse(readFileSync(resultFile, "utf8")) as Result;
  const why = stderr || failure?.message || "it said nothing";
  throw new CliFailure(EXIT.failed, `a process of the torture left no result: ${why.slice(0, 400)}`);
}

/**
 * What the script does, in a thread: threads can be given a stack, a process's main thread cannot.
 *
 * @param url the script's own
 */
export async function actAsStep<Order, Result>(
  url: string,
  act: (order: Order, folder: string) => Promise<Result>,
): Promise<void> {
  if (isMainThread) {
    const worker = new Worker(new URL(url), {
      workerData: process.argv[2],
      resourceLimits: { stackSizeMb: STACK_MB },
    });
    worker.on("error", (error) => {
      process.stderr.write(`${messageOf(error)}\n`);
      process.exitCode = 1;
    });
    return;
  }
  const folder = workerData as string;
  const order = JSON.parse(readFileSync(join(folder, "step.json"), "utf8")) as Order;
  writeFileSync(join(folder, "result.json"), JSON.stringify(await act(order, folder)));
}

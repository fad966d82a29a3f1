// Runs test files that were written for Node in a browser's worker, and reports each test. Its address names them:
// `?files=a,b`.

import { type CollectedTest, collected } from "./node-shims.ts";

/** What is sent to the server in the end. */
export interface SuiteReport {
  readonly passed: number;
  readonly failures: readonly { readonly name: string; readonly message: string }[];
  readonly elapsedMs: number;
}

async function main(files: readonly string[]): Promise<SuiteReport> {
  for (const file of files) await import(`/${file}`);
  const begin = performance.now();
  const failures: { name: string; message: string }[] = [];
  for (const { name, run } of collected) await failure(name, run).then((found) => found && failures.push(found));
  const elapsedMs = Math.round(performance.now() - begin);
  return { passed: collected.length - failures.length, failures, elapsedMs };
}

async function failure(name: string, run: CollectedTest["run"]): Promise<SuiteReport["failures"][number] | undefined> {
  try {
    await run();
    return undefined;
  } catch (thrown) {
    return { name, message: `${thrown}\n${(thrown as Error).stack}` };
  }
}

main((new URLSearchParams(location.search).get("files") ?? "").split(","))
  .catch((thrown: Error) => ({ passed: 0, elapsedMs: 0, failures: [{ name: "loading", message: String(thrown) }] }))
  .then((report) => fetch("/report", { method: "POST", body: JSON.stringify(report) }));

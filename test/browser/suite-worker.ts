// Runs test files that were written for Node in a browser's worker, and reports each test. Its address names them:
// `?files=a,b`.

import { collected, notes } from "./node-shims.ts";

/** What is sent to the server in the end. */
export interface SuiteReport {
  readonly passed: number;
  readonly failures: readonly { readonly name: string; readonly message: string }[];
  /** What tests had to say. */
  readonly notes: readonly string[];
  readonly elapsedMs: number;
}

async function main(files: readonly string[]): Promise<SuiteReport> {
  for (const file of files) await import(`/${file}`);
  const begin = performance.now();
  const failures: { name: string; message: string }[] = [];
  for (const { name, run } of collected) {
    await Promise.try(run).catch((thrown) => {
      failures.push({ name, message: `${thrown}\n${(thrown as Error).stack}` });
    });
  }
  const elapsedMs = Math.round(performance.now() - begin);
  return { passed: collected.length - failures.length, failures, notes, elapsedMs };
}

main((new URLSearchParams(location.search).get("files") ?? "").split(","))
  .catch((thrown: Error) => ({
    passed: 0,
    notes: [],
    elapsedMs: 0,
    failures: [{ name: "loading", message: String(thrown) }],
  }))
  .then((report) => fetch("/report", { method: "POST", body: JSON.stringify(report) }));

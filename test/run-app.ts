// Runs a guest program once under Node's own WASI: the reference that rtcr's runs are compared with.
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WASI } from "node:wasi";
import type { App } from "../apps/apps.ts";

/** What a run showed to the outside. */
export interface AppRun {
  readonly stdout: string;
  readonly stderr: string;
  readonly ends: App["ends"];
}

/**
 * Runs `bytes` as the manifest's row `app` says, with a fresh directory and empty environment.
 *
 * @throws what instantiation throws; a trap or an exception of the program is a result, not thrown
 */
export async function runApp(app: App, bytes: Uint8Array<ArrayBuffer>): Promise<AppRun> {
  const scratch = mkdtempSync(join(tmpdir(), "rtcr-app-"));
  const data = join(scratch, "data");
  mkdirSync(data);
  writeFileSync(join(scratch, "stdin"), app.stdin);
  const stdin = openSync(join(scratch, "stdin"), "r");
  const stdout = openSync(join(scratch, "stdout"), "w");
  const stderr = openSync(join(scratch, "stderr"), "w");
  try {
    const wasi = new WASI({
      ...{ version: "preview1", args: [app.name, ...app.args], env: {}, stdin, stdout, stderr },
      preopens: app.directory ? { "/data": data } : {},
    });
    const { instance } = await WebAssembly.instantiate(bytes, wasi.getImportObject() as WebAssembly.Imports);
    const ends = endOf(() => wasi.start(instance));
    const [out, err] = ["stdout", "stderr"].map((name) => readFileSync(join(scratch, name), "utf8"));
    return { stdout: out!, stderr: err!, ends };
  } finally {
    closeSync(stdin);
    closeSync(stdout);
    closeSync(stderr);
    rmSync(scratch, { recursive: true, force: true });
  }
}

function endOf(start: () => number): App["ends"] {
  try {
    return start();
  } catch (error) {
    if (error instanceof WebAssembly.Exception) return "exception";
    if (error instanceof WebAssembly.RuntimeError) return "trap";
    if (error instanceof RangeError) return "stack-overflow";
    throw error;
  }
}

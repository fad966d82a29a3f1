// The page of the browser test: takes a checkpoint up, lets the program run on for a while, and hands a new checkpoint
// back. `?lines=N`: checkpoint after N more lines of output; 0: run to the end. Served by server.ts.

import {
  type Checkpoint,
  type EndingReport,
  exportImage,
  importImage,
  loadCheckpoint,
  openMemoryStore,
  type ProgramState,
  saveCheckpoint,
  sha256,
  WebSupervisor,
} from "../../src/index-web.ts";

/** What the page tells the server in the end. */
export interface PageReport {
  readonly error?: string;
  /** Standard output, one character a byte. */
  readonly output: string;
  readonly errors: string;
  readonly ending?: EndingReport | undefined;
  readonly id?: string;
  /** Milliseconds since the page began, by what had been reached then. */
  readonly timesMs: Readonly<Record<string, number>>;
}

const NEWLINE = 10;
const timesMs: Record<string, number> = {};
const written = { 1: "", 2: "" };

function reached(what: string): void {
  timesMs[what] = Math.round(performance.now());
}

async function main(lines: number): Promise<Omit<PageReport, "output" | "errors" | "timesMs">> {
  const store = openMemoryStore();
  const { body } = await fetch("/image");
  const { id: parent } = await importImage(store, body as unknown as AsyncIterable<Uint8Array>);
  const checkpoint = await loadCheckpoint(store, parent);
  reached("loaded");
  const { state, ending } = await runOn(checkpoint, lines);
  if (!state) return { ending };
  const created = new Date().toISOString();
  const next = { ...checkpoint, created, parent, group: state.group, sessions: { wasi: state.wasi } };
  const { root } = await saveCheckpoint(store, next, { sha256 });
  reached("saved");
  const image = new Blob(await Array.fromAsync(exportImage(store, root.id)));
  await fetch("/image", { method: "POST", body: image });
  reached("sent");
  return { id: root.id };
}

async function runOn(checkpoint: Checkpoint, lines: number): Promise<{ state?: ProgramState; ending?: EndingReport }> {
  const hash = checkpoint.group.instances[0]!.module;
  let left = lines;
  let enough = () => {};
  const soFar = new Promise<void>((resolve) => (enough = resolve));
  const module = await (await fetch(`/modules/${hash}`)).bytes();
  const supervisor = await WebSupervisor.start({
    module,
    hash,
    spec: { args: [], environment: [], memoryDirectories: [], holdOutput: false, deterministic: false },
    resumption: {
      state: { group: checkpoint.group, wasi: checkpoint.sessions["wasi"]! },
      acceptChangedFiles: false,
      outputReleased: true,
    },
    output: (stream, bytes) => {
      written[stream] += Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
      if (stream !== 1) return;
      for (const byte of bytes) {
        if (byte !== NEWLINE) continue;
        reached(`line ${lines - --left}`);
        if (left === 0) enough();
      }
    },
  });
  reached("running");
  const ending = await Promise.race([soFar, supervisor.done]);
  reached("lines");
  if (ending) return { ending };
  const { state } = await supervisor.capture(true);
  reached("captured");
  return { state };
}

async function report(result: Omit<PageReport, "output" | "errors" | "timesMs">): Promise<void> {
  const all: PageReport = { ...result, output: written[1], errors: written[2], timesMs };
  await fetch("/report", { method: "POST", body: JSON.stringify(all) });
}

main(Number(new URLSearchParams(location.search).get("lines")))
  .catch((thrown: Error) => ({ error: `${thrown}\n${thrown.stack}` }))
  .then(report);

// The second page of the browser test: a program that copies its input is started, captured while it is blocked in a
// read, taken up again, and given the rest of its input.

import { sha256, WebSupervisor, type WebSupervisorOptions } from "../../src/index-web.ts";

/** What the page tells the server in the end. */
export interface CopyReport {
  readonly error?: string;
  readonly output: string;
  /** Output of the first life alone. */
  readonly before: string;
  readonly exitCode?: number | undefined;
}

const SPEC = { args: ["copy"], environment: [], memoryDirectories: [], holdOutput: false, deterministic: false };
let output = "";

async function main(): Promise<Omit<CopyReport, "output">> {
  const module = await (await fetch("/modules/copy")).bytes();
  const options: Omit<WebSupervisorOptions, "stdin"> = {
    module,
    hash: sha256(module),
    spec: SPEC,
    output: (_, bytes) => {
      output += new TextDecoder().decode(bytes);
    },
  };
  const first = await WebSupervisor.start({ ...options, stdin: opened("one ", "two ") });
  while (output.length < 8) await pause();
  await pause(100); // it blocks in the next read now
  const { state } = await first.capture(true);
  const before = output;
  const resumption = { state, acceptChangedFiles: false, outputReleased: true };
  const second = await WebSupervisor.start({ ...options, resumption, stdin: input("three ", "x".repeat(200_000)) });
  const ending = await second.done;
  return { before, exitCode: ending?.exitCode };
}

function pause(ms = 5): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}

async function* input(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) {
    await pause(20);
    yield new TextEncoder().encode(text);
  }
}

/** Input that does not end. */
async function* opened(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  yield* input(...texts);
  await new Promise(() => {});
}

main()
  .catch((thrown: Error) => ({ before: "", error: `${thrown}\n${thrown.stack}` }))
  .then((result) => fetch("/report", { method: "POST", body: JSON.stringify({ ...result, output }) }));

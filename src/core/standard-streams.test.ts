// The standard streams and sockets of a real process, with the program's side in a worker that only ever blocks.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

const PROCESS = fileURLToPath(new URL("../../test/support/streams-process.ts", import.meta.url));
const home = mkdtempSync(join(tmpdir(), "rtcr-streams-"));
after(() => rmSync(home, { recursive: true }));

/** More than pipes, rings and windows hold. */
const LARGE = "0123456789abcdef".repeat(1 << 15);

/** The port that the process prints, and everything behind it. */
function outputOf(stdout: Readable) {
  let all = "";
  let found: (port: number) => void;
  const port = new Promise<number>((resolve) => {
    found = resolve;
  });
  stdout.setEncoding("utf8").on("data", (chunk: string) => {
    all += chunk;
    if (all.includes("\n")) found(Number.parseInt(all, 10));
  });
  const ended = new Promise<string>((resolve) => stdout.once("end", () => resolve(all.slice(all.indexOf("\n") + 1))));
  return { port, ended };
}

/** What comes back over a connection to `port` after sending `text` and the end. */
async function echo(port: number, text: string): Promise<string> {
  const socket = connect({ port, host: "127.0.0.1" });
  socket.end(text);
  return (await socket.toArray()).join("");
}

for (const [what, command] of [
  ["sockets, as Node gives its children", [process.execPath, PROCESS]],
  ["pipes of a shell", ["sh", "-c", `cat | "${process.execPath}" "${PROCESS}" | cat`]],
] as const) {
  test(`input and output over ${what}, and a connection`, async () => {
    const child = spawn(command[0]!, command.slice(1), { stdio: ["pipe", "pipe", "inherit"] });
    const { port, ended } = outputOf(child.stdout);
    const answer = echo(await port, LARGE);
    child.stdin.write(LARGE);
    setTimeout(() => child.stdin.end("the end"), 50);
    assert.ok((await ended) === `${LARGE}the end`);
    assert.ok((await answer) === LARGE);
  });
}

test("input from a file", async () => {
  const path = join(home, "input");
  writeFileSync(path, LARGE);
  const fd = openSync(path, "r");
  const child = spawn(process.execPath, [PROCESS], { stdio: [fd, "pipe", "inherit"] });
  closeSync(fd);
  const { port, ended } = outputOf(child.stdout!);
  assert.equal(await echo(await port, "x"), "x");
  assert.ok((await ended) === LARGE);
});

// Control of a running program through its socket: one JSON request a line, one JSON answer a line.
//
// Who may connect is the file system's to say: the socket lies in a folder that only its owner can enter.

import { chmodSync, statSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { dirname } from "node:path";
import { CliFailure, EXIT, toFailure } from "./failure.ts";
import type { RunInfo } from "./runs.ts";

export type ControlRequest =
  /** Of a system: of those children, else of all. */
  | { readonly type: "checkpoint"; readonly stop: boolean; readonly children?: readonly string[] }
  | { readonly type: "kill" }
  /** Of a system: its components, now. */
  | { readonly type: "components" }
  | { readonly type: "status" };

export type ControlAnswer =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly exitCode: number; readonly message: string; readonly hint?: string | undefined };

/** Longer lines than this are nobody's request. */
const LINE_LIMIT = 65_536;
/** A freeze may take 30 s (FREEZE_DEADLINE_MS), the disk as long as it takes: ten minutes are more than both. */
const ANSWER_DEADLINE_MS = 600_000;

/** Serves requests until `close`, which waits until every answer is on its way. */
export async function serveControl(
  path: string,
  handle: (request: ControlRequest) => Promise<unknown>,
): Promise<{ close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const answers = new Set<Promise<void>>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy()); // the peer is gone: nobody waits for the answer
    onLines(socket, (line) => {
      const answered = answerTo(line, handle).then((answer) => {
        socket.write(`${JSON.stringify(answer)}\n`);
        answers.delete(answered);
      });
      answers.add(answered);
    });
  });
  requirePrivate(dirname(path));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, resolve);
  });
  if (process.platform !== "win32") chmodSync(path, 0o600);
  return {
    close: async () => {
      server.close();
      await Promise.all(answers); // what has ended the program is still to be answered
      for (const socket of sockets) socket.destroySoon();
    },
  };
}

/** The folder of the socket must be the user's alone: somebody else may have made it first in the temporary folder. */
function requirePrivate(folder: string): void {
  if (process.platform === "win32") return;
  const { uid, mode } = statSync(folder);
  if (uid === process.getuid?.() && (mode & 0o077) === 0) return;
  const found = `owner ${uid}, mode ${(mode & 0o777).toString(8)}`;
  throw new CliFailure(
    EXIT.refused,
    `control folder ${folder}: found ${found}, expected a folder of your own, mode 700`,
  );
}

async function answerTo(line: string, handle: (request: ControlRequest) => Promise<unknown>): Promise<ControlAnswer> {
  try {
    return { ok: true, value: await handle(readRequest(line)) };
  } catch (thrown) {
    const { exitCode, message, hint } = toFailure(thrown);
    return { ok: false, exitCode, message, hint };
  }
}

function readRequest(line: string): ControlRequest {
  const request = parse(line) as Readonly<Record<"type" | "stop" | "children", unknown>> | null | undefined;
  const { type, children = [] } = request ?? {};
  if (type === "kill" || type === "status" || type === "components") return { type };
  if (type === "checkpoint" && typeof request?.stop === "boolean" && textsLike(children)) {
    return { type, stop: request.stop, children };
  }
  const expected = "expected checkpoint, kill, status or components";
  throw new CliFailure(EXIT.usage, `control request ${line.slice(0, 80)}, ${expected}`);
}

function textsLike(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

function onLines(socket: Socket, take: (line: string) => void): void {
  let rest = "";
  socket.setEncoding("utf8");
  socket.on("data", (chunk: string) => {
    rest += chunk;
    for (let end = rest.indexOf("\n"); end >= 0; end = rest.indexOf("\n")) {
      take(rest.slice(0, end));
      rest = rest.slice(end + 1);
    }
    if (rest.length > LINE_LIMIT) socket.destroy();
  });
}

/**
 * Asks a running program.
 *
 * @param signal nobody waits for the answer any more
 * @throws CliFailure with the exit code that the program's side gave, or "peer lost"
 */
export async function askControl(run: RunInfo, request: ControlRequest, signal?: AbortSignal): Promise<unknown> {
  const answer = await new Promise<ControlAnswer>((resolve, reject) => {
    const socket = connect(run.socket);
    const lost = (why: string) => {
      const message = `program ${run.name} (process ${run.pid}) does not answer: ${why}`;
      reject(new CliFailure(EXIT.peerLost, message, "rtcr ps"));
      socket.destroy();
    };
    const timer = setTimeout(() => lost(`no answer within ${ANSWER_DEADLINE_MS} ms`), ANSWER_DEADLINE_MS);
    const unwanted = () => lost("it was not waited for");
    signal?.addEventListener("abort", unwanted, { once: true });
    socket.on("error", (error) => lost(error.message));
    socket.on("close", () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", unwanted);
      lost("it has ended");
    });
    onLines(socket, (line) => {
      resolve(JSON.parse(line) as ControlAnswer);
      socket.end();
    });
    socket.write(`${JSON.stringify(request)}\n`);
    if (signal?.aborted) unwanted();
  });
  if (answer.ok) return answer.value;
  throw new CliFailure(answer.exitCode, answer.message, answer.hint);
}

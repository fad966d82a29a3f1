// Programs that run on this machine, by name: who holds a name, and where its control socket is.
//
//   claim -> runs/NAME is locked -> announce writes run.json -> release deletes it
//
// The lock is the system's, so it ends with its process; run.json says what runs, and counts only while the process
// that wrote it is alive.

import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { runNameLike } from "../checkpoint/index.ts";
import { heldByOther, lockFolder } from "../core/journal/lock-node.ts"; // by name, as in journals.ts
import { nodeOwner } from "../store/index-node.ts";
import { messageOf } from "../util/index.ts";
import { CliFailure, EXIT } from "./failure.ts";
import { makeFolders } from "./folders.ts";
import type { Home } from "./home.ts";

/** The longest path that a socket can have everywhere, in bytes (sun_path, macOS). */
const SOCKET_PATH_BYTES = 100;

/** What `run.json` says. */
export interface RunInfo {
  readonly name: string;
  readonly pid: number;
  readonly host: string;
  /** Tells the process from a later one of the same number. */
  readonly started: string;
  /** UTC time. */
  readonly since: string;
  readonly program: string;
  readonly args: readonly string[];
  /** Path of the control socket. */
  readonly socket: string;
}

/** A name that this process holds. */
export interface Claim {
  readonly name: string;
  readonly socket: string;
  /** Makes the run known. */
  announce(program: string, args: readonly string[]): void;
  /** Gives the name back. */
  release(): void;
}

/** Takes a run name, or refuses because it is taken. */
export function claimName(home: Home, name: string, hint: string): Claim {
  const valid: boolean = runNameLike(name);
  if (!valid) {
    const expected = "1 to 100 of A-Z a-z 0-9 . _ - (not latest, no . or - in front)";
    throw new CliFailure(EXIT.usage, `${JSON.stringify(name.slice(0, 120))} is no run name, expected ${expected}`);
  }
  const folder = home.at("runs", name);
  makeFolders(folder);
  const unlock = lockName(folder, name, hint);
  const info = join(folder, "run.json");
  const socket = socketPath(folder);
  rmSync(info, { force: true });
  removeSocket(socket);
  return {
    name,
    socket,
    announce: (program, args) => {
      const { host, pid, started } = nodeOwner;
      const run: RunInfo = { name, pid, host, started, since: new Date().toISOString(), program, args, socket };
      writeFileSync(`${info}.new`, JSON.stringify(run, null, 1), { mode: 0o600 });
      renameSync(`${info}.new`, info);
    },
    release: () => {
      rmSync(info, { force: true });
      removeSocket(socket);
      unlock();
    },
  };
}

function lockName(folder: string, name: string, hint: string): () => void {
  try {
    return lockFolder(folder);
  } catch (thrown) {
    if (!heldByOther(thrown)) throw new CliFailure(EXIT.failed, messageOf(thrown), undefined, thrown);
    throw new CliFailure(EXIT.refused, `the name ${name} is taken by a running program`, hint, thrown);
  }
}

/** All programs that run now, by name. */
export async function listRuns(home: Home): Promise<RunInfo[]> {
  const names = home.list("runs");
  const runs = await Promise.all(names.map((name) => runOf(home, name)));
  return runs.filter((run) => run !== undefined);
}

/** The running program of a name. */
export async function findRun(home: Home, name: string): Promise<RunInfo> {
  const run = runNameLike(name) ? await runOf(home, name) : undefined;
  if (run) return run;
  throw new CliFailure(EXIT.notFound, `no program ${JSON.stringify(name)} is running`, "rtcr ps");
}

/** Undefined when nothing of that name runs: there is nothing, or what a dead process has left. */
export async function runOf(home: Home, name: string): Promise<RunInfo | undefined> {
  try {
    const run = JSON.parse(readFileSync(home.find("runs", name, "run.json"), "utf8")) as RunInfo;
    const here = run.host === nodeOwner.host;
    return here && (await nodeOwner.alive(run.pid, run.started)) ? run : undefined;
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined;
    if (["ENOENT", "ENOTDIR"].includes((thrown as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw thrown;
  }
}

/** In the run's folder; where that path is too long for a socket, in a folder of the user's in the temporary one. */
function socketPath(folder: string): string {
  if (process.platform === "win32") return `\\\\.\\pipe\\rtcr-${shortHash(folder)}`;
  const path = join(folder, "control");
  if (Buffer.byteLength(path) <= SOCKET_PATH_BYTES) return path;
  const short = join(tmpdir(), `rtcr-${userInfo().uid}`);
  mkdirSync(short, { recursive: true, mode: 0o700 });
  return join(short, shortHash(folder));
}

function removeSocket(path: string): void {
  if (process.platform !== "win32") rmSync(path, { force: true });
}

function shortHash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 24);
}

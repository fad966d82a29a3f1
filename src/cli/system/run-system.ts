// `rtcr run system.xml`: a tree of components in the foreground, until init exits or a signal comes. The configuration's
// file is watched: what changes there changes the tree.

import { watch } from "node:fs";
import { constants } from "node:os";
import { basename, dirname, resolve } from "node:path";
import { Worker } from "node:worker_threads";
import type { HostDirectory } from "../../core/host-files/index-node.ts";
import type { ComponentInfo, Grid } from "../../core/index.ts";
import { checkSystem } from "../../init/index.ts";
import type { Scope } from "../../profile/index.ts";
import type { LogLevel, RepairReport } from "../../rtcr/index.ts";
import { messageOf } from "../../util/index.ts";
import { checkpointEvery } from "../checkpoint-every.ts";
import type { Io } from "../command.ts";
import { serveControl } from "../control.ts";
import { CliFailure, EXIT, toFailure } from "../failure.ts";
import type { Home } from "../home.ts";
import type { Claim, RunInfo } from "../runs.ts";
import { onSignals, SIGNAL_BASE } from "../signals.ts";
import { STACK_MB, siblingFile } from "../torture/in-worker.ts";
import { readSystemConfig } from "./check.ts";
import { SystemCheckpointer } from "./checkpointer.ts";
import { readDevices } from "./devices.ts";
import { follow, type Stored } from "./follow.ts";
import { writeScopes } from "./measure.ts";
import { readSystemModules } from "./modules.ts";
import { CPUS_LIMIT } from "./options.ts";
import {
  type FromSystem,
  type MadeCheckpoint,
  type SentCheckpoint,
  type SentFailure,
  SYSTEM_QUOTA,
  type SystemSpec,
  type ToSystem,
} from "./protocol.ts";
import type { SystemRestore } from "./supervisors.ts";

/** How long the file must be left alone before it is read: it may be written in pieces. */
const QUIET_MS = 50;

export interface SystemOptions {
  readonly io: Io;
  readonly home: Home;
  /** Its name, under which it is known while it runs. */
  readonly claim: Claim;
  /** The configuration. */
  readonly file: string;
  /** `NAME=FILE` */
  readonly roms: readonly string[];
  /** Default: as many as the configuration's affinity space has places. */
  readonly cpus: number | undefined;
  readonly directories: readonly HostDirectory[];
  /** A file that names devices. */
  readonly devices: string | undefined;
  readonly deterministic: boolean;
  /** Where scopes go; undefined: they are not recorded. */
  readonly profile: string | undefined;
  /** RTCR's own messages, on standard error; undefined: silence. */
  readonly log: LogLevel | undefined;
  /** The checkpoint that it goes on from. */
  readonly from?: SystemBeginning | undefined;
  /** Checkpoints are made with so much time between them. */
  readonly everyMs: number | undefined;
}

export interface SystemBeginning {
  readonly checkpoint: Stored;
  readonly restore: SystemRestore;
  /** The run that is followed: it stands by for that until it has ended. */
  readonly primary: RunInfo | undefined;
}

/**
 * Runs a system to its end.
 *
 * @returns init's exit value, modulo 256; 128 and the signal's number when a signal has ended it
 * @throws CliFailure when the configuration has faults, or the system cannot be started
 */
export async function runSystem(options: SystemOptions): Promise<number> {
  const modules = readSystemModules(options.file, options.roms);
  return superviseSystem(options, modules, readSystemConfig(options.file, modules));
}

/** Places of the affinity space. @throws CliFailure when there are too many */
function cpusOf(file: string, config: string): Grid {
  const { width, height } = checkSystem(config).config.affinitySpace;
  if (width * height <= CPUS_LIMIT) return { width, height };
  const message = `${file}: an affinity space of ${width} x ${height} CPUs, expected ${CPUS_LIMIT} at most`;
  throw new CliFailure(EXIT.failed, message, "--cpus N says how many there are: positions are scaled to them");
}

/** As `runSystem`, with modules and configuration that are known to be good. */
export async function superviseSystem(
  { io, home, claim, file, devices, cpus, directories, deterministic, log, profile, from, everyMs }: SystemOptions,
  modules: ReadonlyMap<string, Uint8Array>,
  config: string,
): Promise<number> {
  const spec: SystemSpec = {
    ...{ config, modules, quota: SYSTEM_QUOTA, cpus: cpus ?? cpusOf(file, config), directories, deterministic },
    devices: readDevices(devices),
    profile: profile !== undefined,
    restore: from?.restore,
    ...(log ? { log: { level: log, coloured: process.stderr.isTTY === true } } : {}),
  };
  const worker = new Worker(siblingFile(import.meta.url, "worker"), {
    workerData: spec,
    resourceLimits: { stackSizeMb: STACK_MB },
  });
  const say = (message: ToSystem) => worker.postMessage(message);
  let signalled: number | undefined;
  const end = (value: number) => {
    signalled ??= value;
    say({ type: "stop" });
  };
  const unheard = onSignals(end);
  const measured = (scopes: readonly Scope[]) => profile !== undefined && writeScopes(profile, scopes);
  const keepIt = (made: SentCheckpoint) => void keep(made);
  const asked: Asked = { inspected: new Answers(), made: new Answers(), keep: keepIt, measured };
  const answer = (ask: () => void) => asked.made.next(ask);
  const checkpointer = new SystemCheckpointer({
    home,
    name: claim.name,
    modules,
    parent: from?.checkpoint.id,
    say,
    answer,
  });
  const keep = (made: SentCheckpoint) =>
    checkpointer.keep(made).then(
      (id) => io.err(`note: checkpoint ${id}, made for a component\n`),
      (thrown: unknown) => io.err(`warning: a component's checkpoint was not stored: ${messageOf(thrown)}\n`),
    );
  const control = await serveControl(claim.socket, async (request) => {
    if (request.type === "components") return asked.inspected.next(() => say({ type: "inspect" }));
    if (request.type === "status") return { newest: checkpointer.newest };
    if (request.type === "checkpoint") {
      const report = await checkpointer.make(request.children ?? [], request.stop);
      if (request.stop) end(EXIT.done);
      return report;
    }
    end(SIGNAL_BASE + constants.signals.SIGKILL);
    return {};
  });
  const all = () => checkpointer.make([], false);
  const stopTimer = everyMs === undefined ? () => {} : checkpointEvery(everyMs, all, io);
  const renewed = (id: string) => checkpointer.goesOnFrom(id);
  const stopFollowing =
    from?.primary === undefined
      ? () => {}
      : follow({ home, io, primary: from.primary, from: from.checkpoint, say, renewed });
  const read = () => readSystemConfig(file, modules);
  const stopWatching = watchConfig({ file, read, before: config, io }, (text) => say({ type: "config", text }));
  try {
    claim.announce(resolve(file), [file]);
    const value = await untilEnd(worker, io, say, asked);
    return signalled ?? value & 0xff;
  } finally {
    stopWatching();
    stopTimer();
    stopFollowing();
    process.stdin.pause();
    unheard();
    const why = new CliFailure(EXIT.notFound, "the system has ended");
    asked.inspected.end(why);
    asked.made.end(why);
    await checkpointer.settled();
    await control.close();
    await worker.terminate();
  }
}

/** What the worker was asked. */
interface Asked {
  readonly inspected: Answers<readonly ComponentInfo[]>;
  readonly made: Answers<MadeCheckpoint>;
  /** Stores what nobody has asked for from outside. */
  readonly keep: (made: SentCheckpoint) => void;
  /** Writes what was measured. */
  readonly measured: (scopes: readonly Scope[]) => void;
}

/** Answers that come in the order of the questions, until the end. */
class Answers<T> {
  readonly #waiting: { readonly resolve: (answer: T) => void; readonly reject: (why: Error) => void }[] = [];
  #over: Error | undefined;

  next(ask: () => void): Promise<T> {
    if (this.#over) return Promise.reject(this.#over);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      ask();
    });
  }

  came(answer: T): void {
    this.#waiting.shift()?.resolve(answer);
  }

  refused(why: Error): void {
    this.#waiting.shift()?.reject(why);
  }

  end(why: Error): void {
    this.#over = why;
    for (const { reject } of this.#waiting.splice(0)) reject(why);
  }
}

function untilEnd(worker: Worker, io: Io, say: (message: ToSystem) => void, asked: Asked): Promise<number> {
  const decoders = { 1: new TextDecoder(), 2: new TextDecoder() };
  const { programs = io } = io;
  return new Promise((resolve, reject) => {
    worker.on("message", (message: FromSystem) => {
      if (message.type === "output") {
        const text = decoders[message.stream].decode(message.bytes, { stream: true });
        if (message.stream === 1) programs.out(text);
        else programs.err(text);
      } else if (message.type === "wants-input") passInput(say);
      else if (message.type === "line") programs.out(`${message.text}\n`);
      else if (message.type === "warning") io.err(`warning: ${message.text}\n`);
      else if (message.type === "report") programs.err(`report ${message.label}:\n${message.text}`);
      else if (message.type === "components") asked.inspected.came(message.components);
      else if (message.type === "checkpoint") {
        const { made, refused } = message;
        if (made) asked.made.came(made);
        else if (refused) asked.made.refused(toCliFailure(refused));
      } else if (message.type === "made") asked.keep(message.checkpoint);
      else if (message.type === "log") programs.err(`${message.text}\n`);
      else if (message.type === "scopes") {
        asked.measured(message.scopes);
        if (message.dropped > 0) io.err(`note: ${message.dropped} scopes found no room in the profile\n`);
      } else if (message.type === "standing-by") io.err("note: standing by\n");
      else if (message.type === "ended") resolve(message.value);
      else if (message.type === "failed") reject(toCliFailure(message));
      else io.err(describeRestored(message.repairs));
    });
    worker.once("error", reject);
    worker.once("exit", (code) =>
      reject(new CliFailure(EXIT.failed, `the system's thread ended with ${code}, expected its end to be told`)),
    );
  });
}

function toCliFailure({ exitCode, message, hint }: SentFailure): CliFailure {
  return new CliFailure(exitCode, message, hint);
}

/** What a restore did, a line a stack that was repaired. */
function describeRestored(repairs: readonly RepairReport[]): string {
  const lines = repairs.map(
    ({ child, thread, repaired, redZone, kept, replaced }) =>
      `note: stack of thread "${thread}" of ${child}: ${repaired} bytes repaired and ${redZone} below, ${kept} kept above, ${replaced} replaced there\n`,
  );
  return ["note: restored\n", ...lines].join("");
}

/** From now on until the process's end. */
function passInput(say: (message: ToSystem) => void): void {
  process.stdin.on("data", (bytes: Buffer) => say({ type: "input", bytes: new Uint8Array(bytes) }));
  process.stdin.once("end", () => say({ type: "input", bytes: undefined }));
  process.stdin.once("error", () => say({ type: "input", bytes: undefined }));
}

interface WatchedConfig {
  readonly file: string;
  /** Its text. @throws CliFailure when it has faults */
  readonly read: () => string;
  readonly before: string;
  readonly io: Io;
}

/** Calls `changed` with each new text that is without fault; others are reported and change nothing. */
function watchConfig(watched: WatchedConfig, changed: (text: string) => void): () => void {
  const { file, read, io } = watched;
  let current = watched.before;
  const look = () => {
    try {
      const text = read();
      if (text === current) return;
      current = text;
      io.err(`note: ${file} has changed\n`);
      changed(text);
    } catch (thrown) {
      const { message } = toFailure(thrown);
      io.err(`${message}\nnote: the configuration before stays in force\n`);
    }
  };
  let quiet: NodeJS.Timeout | undefined;
  const lookSoon = () => {
    clearTimeout(quiet);
    quiet = setTimeout(look, QUIET_MS);
  };
  // The directory, because editors put a new file in the place of the old one.
  const watcher = watch(dirname(file), (_, name) => name === basename(file) && lookSoon());
  lookSoon(); // it may have changed since it was read
  return () => {
    clearTimeout(quiet);
    watcher.close();
  };
}

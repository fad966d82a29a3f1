// Runs a program in the foreground of this process: control socket, checkpoints, signals, and the exit code in the end.
//
// The guest owns standard input and output; everything of our own goes to standard error.

import { constants } from "node:os";
import type { EndingReport, FillMemory, Resumption } from "../machine/index-node.ts";
import { type SpareCpu, Supervisor } from "../machine/supervisor-node.ts"; // by name: the index has CPUs' code as well
import { checkpointEvery } from "./checkpoint-every.ts";
import { Checkpointer } from "./checkpoints.ts";
import type { Io } from "./command.ts";
import { type ControlRequest, serveControl } from "./control.ts";
import { CliFailure, EXIT } from "./failure.ts";
import type { Home } from "./home.ts";
import { journalFolder } from "./journals.ts";
import { addressOf, listenAll } from "./listen.ts";
import { keepModule, type ModuleFile } from "./modules.ts";
import type { ProgramRecord } from "./record.ts";
import type { Claim } from "./runs.ts";
import { othersMayWrite } from "./seal.ts";
import { onSignals, SIGNAL_BASE } from "./signals.ts";

export interface RestoredFrom {
  readonly id: string;
  readonly resumption: Resumption;
  readonly fill: FillMemory;
  /** Called when the program runs: nothing more will be read. It is awaited at the program's end. */
  readonly filled: () => Promise<void>;
}

export interface ForegroundOptions {
  readonly io: Io;
  readonly home: Home;
  readonly claim: Claim;
  readonly record: ProgramRecord;
  readonly module: ModuleFile;
  /** Do not put the module into checkpoints, keep it in the state directory. */
  readonly moduleApart: boolean;
  /** Milliseconds between checkpoints. */
  readonly everyMs: number | undefined;
  /** A CPU that has been asked for; the caller's to dispose of. Default: one is started. */
  readonly spare?: Promise<SpareCpu>;
  /** The checkpoint to go on from. */
  readonly from?: RestoredFrom | undefined;
}

/**
 * Runs a program to its end.
 *
 * @returns its exit code; 128 and the signal's number when a signal has ended it; 0 when it was checkpointed to stop
 * @throws what refused to start it
 */
export async function runForeground(options: ForegroundOptions): Promise<number> {
  const { home, record, module, from } = options;
  const sockets = await listenAll(record.listen);
  const store = await home.store();
  if (othersMayWrite(home.path)) options.io.err(`warning: ${unsealed(home.path)}\n`);
  try {
    const journal = record.journal === undefined ? undefined : journalFolder(home, record.journal);
    const spec = { ...record.spec, journal };
    const { servers } = sockets;
    const start = {
      module: module.bytes,
      hash: module.hash,
      spec,
      servers,
      resumption: from?.resumption,
      fill: from?.fill,
      cache: home.cache(),
    };
    return await controlled(options, async (give) => {
      if (options.moduleApart) keepModule(home, module);
      const supervisor = await Supervisor.start({ ...start, spare: await options.spare });
      const filled = from?.filled();
      filled?.catch(() => {}); // told in the end
      for (const server of servers) options.io.err(`note: listening on ${addressOf(server)}\n`);
      for (const warning of supervisor.warnings) options.io.err(`warning: ${warning}\n`);
      const checkpointer = new Checkpointer({
        ...{ home, store, supervisor, record, name: options.claim.name, parent: from?.id },
        modules: options.moduleApart ? {} : { [module.hash]: module.bytes },
      });
      try {
        return await superviseToEnd(supervisor, checkpointer, options, give);
      } finally {
        await supervisor.kill();
        await filled;
      }
    });
  } finally {
    sockets.close();
    await store.close();
  }
}

function unsealed(path: string): string {
  const result = "no code is kept there, and restores of its checkpoints must be given directories and addresses anew";
  return `others can write to ${path}: ${result}; chmod go-w makes it its owner's only`;
}

/** What requests from outside act on. */
interface Controlled {
  readonly checkpointer: Checkpointer;
  readonly end: (exitCode: number) => Promise<void>;
}

/**
 * Serves the control socket while `run` starts and supervises a program: from before its first output on. Requests wait
 * until `run` gives what they act on.
 */
async function controlled(
  { claim, record }: ForegroundOptions,
  run: (give: (what: Controlled) => void) => Promise<number>,
): Promise<number> {
  const given = Promise.withResolvers<Controlled>();
  // Before there is a program, a signal ends the process.
  let end: Controlled["end"] = async (exitCode) => {
    claim.release();
    process.exit(exitCode);
  };
  given.promise.then(
    (what) => {
      end = what.end;
    },
    () => {},
  );
  const unheard = onSignals((exitCode) => void end(exitCode));
  const control = await serveControl(claim.socket, async (request) => answer(request, await given.promise));
  try {
    claim.announce(record.file, record.spec.args);
    return await run(given.resolve);
  } catch (thrown) {
    given.reject(thrown);
    throw thrown;
  } finally {
    unheard();
    await control.close();
  }
}

async function superviseToEnd(
  supervisor: Supervisor,
  checkpointer: Checkpointer,
  { io, everyMs }: ForegroundOptions,
  give: (what: Controlled) => void,
): Promise<number> {
  let endedBy: number | undefined;
  const end = (exitCode: number) => {
    endedBy ??= exitCode;
    return supervisor.kill();
  };
  give({ checkpointer, end });
  const stopTimer = everyMs === undefined ? () => {} : checkpointEvery(everyMs, () => checkpointer.make(false), io);
  try {
    const ending = await supervisor.done;
    await checkpointer.settled();
    return endedBy ?? exitCodeOf(ending, io);
  } finally {
    stopTimer();
  }
}

const ONLY_SYSTEMS = "it is a single program, only systems (SYSTEM.xml) have components";

async function answer(request: ControlRequest, { checkpointer, end }: Controlled): Promise<unknown> {
  switch (request.type) {
    case "checkpoint":
      if (request.children?.length) throw new CliFailure(EXIT.refused, ONLY_SYSTEMS);
      return checkpointer.make(request.stop);
    case "kill":
      await end(SIGNAL_BASE + constants.signals.SIGKILL);
      return {};
    case "status":
      return { newest: checkpointer.newest };
    case "components":
      throw new CliFailure(EXIT.refused, ONLY_SYSTEMS);
  }
}

/** Without a report the program was stopped by a checkpoint. */
function exitCodeOf(ending: EndingReport | undefined, io: Io): number {
  for (const line of ending?.lines ?? []) io.err(`${line}\n`);
  return ending?.exitCode ?? 0;
}

// `rtcr run`: starts a program in the foreground.

import { basename, resolve } from "node:path";
import { type Command, flag, text, texts } from "../command.ts";
import { usageError } from "../failure.ts";
import { runForeground } from "../foreground.ts";
import { nameOfFile, readDirectory, readDuration, readVariable } from "../given.ts";
import { newJournal } from "../journals.ts";
import { readAddress } from "../listen.ts";
import { readModule } from "../modules.ts";
import type { ProgramRecord } from "../record.ts";
import { claimName } from "../runs.ts";
import { ONLY_SYSTEMS } from "../system/only-systems.ts";

export const run: Command = {
  name: "run",
  summary: "run a program that can be checkpointed",
  usage:
    "[options] PROGRAM.wasm [args...] | [--name NAME] [--rom NAME=FILE] [--dir ...] [--checkpoint-every TIME] [--devices FILE] [--cpus N] [--log LEVEL] [--profile FILE] [--deterministic] SYSTEM.xml",
  help: `
Runs a WASI preview1 command in the foreground, with this process's standard input, output and error. It can be
checkpointed at any moment (rtcr checkpoint NAME) and continued later (rtcr restore).

  --name NAME              name of the run and its checkpoints (default: the file's name)
  --dir HOST[::GUEST][:ro] give the program a directory, under the path GUEST; may be repeated. What it writes after
                           a checkpoint is undone by a restore
  --memory-fs              give the program an empty directory / in memory, which is part of its checkpoints
  --env NAME=VALUE         set an environment variable; may be repeated. The program gets no others
  --listen HOST:PORT       give the program a listening socket; may be repeated
  --checkpoint-every TIME  make a checkpoint again and again, as 5s or 500ms
  --hold-output            hold output until the next checkpoint (or the end), so that no byte is written twice
  --no-module              do not put the module into checkpoints; it is kept in the state directory
  --deterministic          time and random numbers are made up, the same in every run

With a file that ends in .xml it runs a tree of components: init with this configuration (docs/SYSTEMS.md). ROM modules
are the .wasm and .rom files beside it and the programs init, rtcr, report_rom, log_server and interposer. Lines of the LOG
service go to standard output. A configuration with faults is refused before the start (exit code 1) and named with
file, line and what is allowed; when the file changes, init gets the new text. The exit code is init's exit value.

  --rom NAME=FILE          another ROM module; may be repeated
  --dir HOST[::GUEST][:ro] a directory of File_system sessions; may be repeated. Nothing is undone there
  --devices FILE           devices of IO_PORT, IO_MEM and IRQ sessions: <devices> with <serial-16550 name base irq/> and
                           <shared-memory name base size doorbell irq/>
  --log LEVEL              the supervisor's own messages on standard error: error, warning, info or debug (default: none)
  --profile FILE           measure scopes of supervisors, core and components, and write them when the system ends: for
                           rtcr profile, as a trace for Perfetto when FILE ends in .trace.json,
                           as lines of a log when in .log
  --cpus N                 CPUs of the machine, each a thread of this process (default: the places of <affinity-space>, else 1)
  --checkpoint-every TIME  make a checkpoint of the children of its supervisor again and again
  --deterministic          time and random numbers are made up, slices are counted: time runs ahead while all wait

WASI commands are components too: arguments and environment come from <arg value/> and <env key value/> of their config,
Terminal sessions are this process's standard streams, without such a route their output goes to LOG.

When the reader of its output goes away (| head -1) a program is told by errno pipe, as other WASI runtimes do; there are
no signals. One that does not heed it goes on: rtcr kill NAME ends it. Held output that cannot be written is an error (1).

SIGINT, SIGTERM and SIGHUP end the program. The exit code is the program's own; 134 after a trap or an uncaught
exception; 128 and the signal's number when a signal has ended it (137: rtcr kill); 0 when rtcr checkpoint --stop
has. When the program could not be started it is one of those below.`,
  options: {
    name: { type: "string" },
    dir: { type: "string", multiple: true },
    "memory-fs": { type: "boolean" },
    env: { type: "string", multiple: true },
    listen: { type: "string", multiple: true },
    "checkpoint-every": { type: "string" },
    "hold-output": { type: "boolean" },
    "no-module": { type: "boolean" },
    deterministic: { type: "boolean" },
    rom: { type: "string", multiple: true },
    cpus: { type: "string" },
    devices: { type: "string" },
    log: { type: "string" },
    profile: { type: "string" },
  },
  operands: [1, Infinity],
  program: true,
  run: async ({ values, positionals, io, home }) => {
    const [file, ...args] = positionals as [string, ...string[]];
    if (file.endsWith(".xml")) {
      const { readSystemOptions } = await import("../system/options.ts");
      const options = readSystemOptions(values, args, "run");
      const claim = claimName(home, text(values, "name") ?? nameOfFile(file), "--name gives this run another name");
      try {
        const { runSystem } = await import("../system/run-system.ts");
        return await runSystem({ io, home, claim, file, ...options });
      } finally {
        claim.release();
      }
    }
    const foreign = ONLY_SYSTEMS.find((name) => values[name] !== undefined);
    if (foreign) throw usageError(`--${foreign} is for systems (SYSTEM.xml), found ${file}`, "run");
    const everyMs = readDuration(text(values, "checkpoint-every"), "checkpoint-every");
    const directories = texts(values, "dir").map(readDirectory);
    const listen = texts(values, "listen");
    listen.forEach(readAddress);
    const environment = texts(values, "env").map(readVariable);
    const module = readModule(file);
    const record: ProgramRecord = {
      file: resolve(file),
      module: { hash: module.hash, sizeBytes: module.bytes.length },
      ...(directories.some(({ writable }) => writable) ? { journal: newJournal() } : {}),
      listen,
      spec: {
        args: [basename(file), ...args],
        environment,
        directories,
        memoryDirectories: flag(values, "memory-fs") ? ["/"] : [],
        holdOutput: flag(values, "hold-output"),
        deterministic: flag(values, "deterministic"),
      },
    };
    const claim = claimName(home, text(values, "name") ?? nameOfFile(file), "--name gives this run another name");
    try {
      const moduleApart = flag(values, "no-module");
      return await runForeground({ io, home, claim, record, module, moduleApart, everyMs });
    } finally {
      claim.release();
    }
  },
};

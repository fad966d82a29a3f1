// `rtcr restore`: continues a checkpoint in the foreground.

import { SpareCpu } from "../../machine/supervisor-node.ts";
import { type Command, text } from "../command.ts";
import { usageError } from "../failure.ts";
import { readDuration } from "../given.ts";
import { ONLY_SYSTEMS } from "../system/only-systems.ts";

export const restore: Command = {
  name: "restore",
  summary: "continue a checkpoint",
  usage: "[options] ID|NAME|latest [SYSTEM.xml]",
  help: `
Continues the program of a checkpoint in the foreground: of an id or the beginning of one, the newest one of a name, or
the newest of all. Files that the program has written through rtcr after the checkpoint are taken back to what they
were. The same checkpoint may be continued any number of times, also at once; a second one beside a running first
one needs a name of its own, and does not share its journal of files.

  --as NAME                name of the run and its checkpoints (default: that of the checkpoint)
  --dir HOST::GUEST[:ro]   use another directory of the host for the program's path GUEST; may be repeated
  --listen HOST:PORT       listen here instead; repeated as often as for rtcr run
  --accept-changed-files   go on although others have changed or removed the program's files, or although files that have
                           changed lie in a directory that is read-only now: nothing is taken back there. Also
                           after a mount of a file system that numbers its files anew, as FAT does
  --checkpoint-every TIME  make a checkpoint again and again, as 5s or 500ms
  --hold-output            hold output until the next checkpoint (or the end)
  --module FILE            the module, when the checkpoint does not carry it

Directories and addresses that a checkpoint names are opened only if a run under this state directory made the checkpoint.
One that came from elsewhere gets what --dir and --listen give it, for each path and address that it names, or is refused
(exit code 5).

A checkpoint of a system's children is continued in the system of SYSTEM.xml, which has a supervisor (<start> with the
program rtcr) with these children. Their programs are those of the checkpoint; sessions that they had are opened again
as this configuration routes them, and if one of them would find nobody nothing is made (exit code 5).

  --supervisor "LABEL"     the supervisor that takes them up, as "init -> inner -> rtcr", at any depth (default: the only one
                           with these children, one that is not beneath another before those that are)
  --strategy direct|bootstrap
                           how children are recreated: by the supervisor alone (default), or by starting them as ever
                           and replacing what they have become at the end of their bootstrap
  --follow                 stand by for the run that has made the checkpoint, which runs on this machine: each checkpoint that it
                           makes takes the place of the one before, and when it runs no more, however it has ended, the
                           children go on from the newest. --as names this run
  --dry-run                print every session that would be opened, by whom it would be served, and what it is given; and
                           quotas that the system cannot give
  --json                   print that as JSON
  --rom, --dir, --devices, --cpus, --deterministic, --log, --profile, --checkpoint-every, --as
                           as for rtcr run SYSTEM.xml, and as above

Output that the checkpoint holds (--hold-output) is written out first, unless the run that made it is known to have
done so. The exit code is as for rtcr run; when the program could not be continued it is one of those below.`,
  options: {
    as: { type: "string" },
    dir: { type: "string", multiple: true },
    "accept-changed-files": { type: "boolean" },
    "checkpoint-every": { type: "string" },
    "hold-output": { type: "boolean" },
    module: { type: "string" },
    listen: { type: "string", multiple: true },
    follow: { type: "boolean" },
    ...{
      supervisor: { type: "string" },
      strategy: { type: "string" },
      "dry-run": { type: "boolean" },
      json: { type: "boolean" },
    },
    ...{ rom: { type: "string", multiple: true }, devices: { type: "string" }, log: { type: "string" } },
    profile: { type: "string" },
    ...{ cpus: { type: "string" }, deterministic: { type: "boolean" } },
  },
  operands: [1, 2],
  run: async (call) => {
    const { values, positionals } = call;
    const [reference, system] = positionals as [string, string?];
    if (system !== undefined) {
      const { restoreSystem } = await import("../system/restore-system.ts");
      return restoreSystem(call, reference, system);
    }
    const foreign = ONLY_RESTORED_SYSTEMS.find((name) => values[name] !== undefined);
    if (foreign) throw usageError(`--${foreign} is for systems, expected rtcr restore ID SYSTEM.xml`, "restore");
    const everyMs = readDuration(text(values, "checkpoint-every"), "checkpoint-every");
    const spare = SpareCpu.start(undefined, false); // it reads its code while this thread reads the rest, and the image
    spare.catch(() => {}); // told where it is awaited
    try {
      const { restoreProgram } = await import("../restore-program.ts");
      return await restoreProgram(call, reference, everyMs, spare);
    } finally {
      await spare.then((cpu) => cpu.dispose()).catch(() => {}); // told where it was needed
    }
  },
};

/** Options that checkpoints of programs have not. */
const ONLY_RESTORED_SYSTEMS: readonly string[] = [
  ...ONLY_SYSTEMS,
  ...["supervisor", "strategy", "follow", "dry-run", "json", "deterministic"],
];

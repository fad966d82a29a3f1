// The sessions of a WASI run under Node, made from what the run is given and, for a restore, from captured states. What it
// needs of core is imported by name: a CPU that reads the kernel of component systems as well starts twice as late.

import type { PlainData } from "../abi/index.ts";
import { createClock } from "../core/clock.ts";
import { createCountingClock } from "../core/clock-counting.ts";
import { nodeClocks } from "../core/clock-node.ts";
import { checkHandles, createFileSystem, type Volume, volumeStates } from "../core/files/index.ts";
import { HostVolume, JournaledVolume } from "../core/host-files/index-node.ts";
import type { createMemoryVolume } from "../core/memory-file-system.ts";
import { createRandom, createSeededRandom } from "../core/random.ts";
import { NodeSockets } from "../core/socket-node.ts";
import { createStandardStreams } from "../core/standard-streams-node.ts";
import type { FileSystemSession } from "../session/index.ts";
import { required } from "../util/index.ts";
import { type SessionStates, sessionStates } from "../wasi/index.ts";
import type { RunSessions } from "./cpu.ts";
import type { CpuData, Resumption, RunSpec } from "./protocol.ts";

/** What directories in memory are made by. Few programs have some, and it is a large package to read. */
export async function memoryVolumes({ memoryDirectories }: RunSpec): Promise<typeof createMemoryVolume | undefined> {
  return memoryDirectories.length === 0
    ? undefined
    : (await import("../core/memory-file-system.ts")).createMemoryVolume;
}

/**
 * All that can be refused for its state alone is refused before files of the host are taken back.
 *
 * @param memory of `memoryVolumes`
 * @throws FilesFault when directories or files are missing or were changed by others; nothing stays open then
 */
export function openSessions(
  { spec, streams, sockets, resumption }: CpuData,
  memory: typeof createMemoryVolume | undefined,
): RunSessions {
  const states: SessionStates = resumption ? sessionStates(resumption.state.wasi) : {};
  const { deterministic } = spec;
  const others = {
    program: { args: spec.args, environment: spec.environment },
    clock: deterministic ? createCountingClock(states.clock) : createClock(nodeClocks(), states.clock),
    random: deterministic ? createSeededRandom(0n, states.random) : createRandom(),
    ...(sockets ? { sockets: new NodeSockets({ ...sockets, ...stateOf(states.sockets) }) } : {}),
  };
  const warnings: string[] = [];
  const terminals = createStandardStreams(streams, {
    states,
    hold: spec.holdOutput,
    newProcess: true,
    released: resumption?.outputReleased ?? false,
  });
  const { stdin, stdout, stderr } = terminals;
  try {
    const files = openFiles({ spec, states, resumption, warnings, memory });
    const dispose = () => {
      files.dispose();
      terminals.dispose();
    };
    return { sessions: { ...others, files, stdin, stdout, stderr }, terminals, warnings, dispose };
  } catch (thrown) {
    terminals.dispose();
    throw thrown;
  }
}

export interface VolumeSources {
  readonly spec: RunSpec;
  readonly states: SessionStates;
  readonly resumption: Resumption | undefined;
  /** Gets lines for people. */
  readonly warnings: string[];
  /** Needed for directories in memory (`memoryVolumes`). */
  readonly memory: typeof createMemoryVolume | undefined;
}

function openFiles(sources: VolumeSources): FileSystemSession {
  const volumes = openVolumes(sources);
  try {
    return createFileSystem(volumes, sources.states.files);
  } catch (thrown) {
    for (const volume of volumes) volume.dispose();
    throw thrown;
  }
}

/** Host directories first, memory behind: states of volumes go by their order. Host files are taken back last. */
export function openVolumes({ spec, states, resumption, warnings, memory }: VolumeSources): Volume[] {
  const { directories, memoryDirectories: guestPaths, journal } = spec;
  const [onHost, inMemory] = [directories.length > 0, guestPaths.length > 0];
  const { files } = states;
  const captured = files === undefined ? [] : volumeStates(files, Number(onHost) + Number(inMemory));
  const ofMemory = inMemory ? [required(memory, "volumes in memory")({ guestPaths }, captured.at(-1))] : [];
  if (!onHost) return ofMemory;
  const host = journal === undefined ? new HostVolume(directories) : new JournaledVolume({ directories, journal });
  try {
    if (files !== undefined) checkHandles([host, ...ofMemory], files);
    if (host instanceof JournaledVolume && resumption && files !== undefined) {
      for (const { at, operation, reason } of host.goBack(captured[0]!, resumption.acceptChangedFiles)) {
        warnings.push(`${at.path}: ${operation} could not be undone: ${reason}`);
      }
    }
  } catch (thrown) {
    host.dispose();
    throw thrown;
  }
  return [host, ...ofMemory];
}

function stateOf(state: PlainData | undefined): { readonly state?: PlainData } {
  return state === undefined ? {} : { state };
}

// The sessions of a WASI run under Node, made from what the run is given and, for a restore, from captured states. What it
// needs of core is imported by name: a CPU that reads the kernel of component systems as well starts twice as late.

import type { PlainData } from "../abi/index.ts";
import { createClock } from "../core/clock.ts";
import { createCountingClock } from "../core/clock-counting.ts";
import { createFileSystem, type Volume, volumeStates } from "../core/files/index.ts";
import { HostVolume, JournaledVolume } from "../core/host-files/index-node.ts";
import { createStandardStreams, NodeSockets, nodeClocks } from "../core/index-node.ts";
import type { createMemoryVolume } from "../core/memory-file-system.ts";
import { createRandom, createSeededRandom } from "../core/random.ts";
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
 * @param memory of `memoryVolumes`
 * @throws FilesFault when directories or files are missing or were changed by others
 */
export function openSessions(
  { spec, streams, sockets, resumption }: CpuData,
  memory: typeof createMemoryVolume | undefined,
): RunSessions {
  const states: SessionStates = resumption ? sessionStates(resumption.state.wasi) : {};
  const warnings: string[] = [];
  const volumes = openVolumes({ spec, states, resumption, warnings, memory });
  const terminals = createStandardStreams(streams, {
    states,
    hold: spec.holdOutput,
    newProcess: true,
    released: resumption?.outputReleased ?? false,
  });
  const files = createFileSystem(volumes, states.files);
  return {
    sessions: {
      program: { args: spec.args, environment: spec.environment },
      clock: spec.deterministic ? createCountingClock(states.clock) : createClock(nodeClocks(), states.clock),
      random: spec.deterministic ? createSeededRandom(0n, states.random) : createRandom(),
      files,
      stdin: terminals.stdin,
      stdout: terminals.stdout,
      stderr: terminals.stderr,
      ...(sockets ? { sockets: new NodeSockets({ ...sockets, ...stateOf(states.sockets) }) } : {}),
    },
    terminals,
    warnings,
    dispose: () => {
      files.dispose();
      terminals.dispose();
    },
  };
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

/** Host directories first, memory behind: states of volumes go by their order. */
export function openVolumes({ spec, states, resumption, warnings, memory }: VolumeSources): Volume[] {
  const captured = states.files === undefined ? [] : volumeStates(states.files);
  const volumes: Volume[] = [];
  if (spec.directories.length > 0) volumes.push(openHostVolume(spec, captured[0], resumption, warnings));
  if (spec.memoryDirectories.length > 0) {
    const create = required(memory, "volumes in memory");
    volumes.push(create({ guestPaths: spec.memoryDirectories }, captured[volumes.length]));
  }
  return volumes;
}

function openHostVolume(
  { directories, journal }: RunSpec,
  state: PlainData | undefined,
  resumption: Resumption | undefined,
  warnings: string[],
): Volume {
  if (journal === undefined) return new HostVolume(directories);
  const volume = new JournaledVolume({ directories, journal });
  try {
    if (resumption && state !== undefined) {
      for (const { at, operation, reason } of volume.goBack(state, resumption.acceptChangedFiles)) {
        warnings.push(`${at.path}: ${operation} could not be undone: ${reason}`);
      }
    }
  } catch (thrown) {
    volume.dispose();
    throw thrown;
  }
  return volume;
}

function stateOf(state: PlainData | undefined): { readonly state?: PlainData } {
  return state === undefined ? {} : { state };
}

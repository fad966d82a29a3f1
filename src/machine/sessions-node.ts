// The sessions of a WASI run under Node, made from what the run is given and, for a restore, from captured states.

import type { PlainData } from "../abi/index.ts";
import { createFileSystem, type Volume, volumeStates } from "../core/files/index.ts";
import { HostVolume, JournaledVolume } from "../core/host-files/index-node.ts";
import { createClock, createCountingClock, createRandom, createSeededRandom } from "../core/index.ts";
import { createStandardStreams, NodeSockets, nodeClocks } from "../core/index-node.ts";
import { createMemoryVolume } from "../core/memory-file-system.ts";
import { type SessionStates, sessionStates } from "../wasi/index.ts";
import type { RunSessions } from "./cpu.ts";
import type { CpuData, Resumption, RunSpec } from "./protocol.ts";

/** @throws FilesFault when directories or files are missing or were changed by others */
export function openSessions({ spec, streams, sockets, resumption }: CpuData): RunSessions {
  const states: SessionStates = resumption ? sessionStates(resumption.state.wasi) : {};
  const warnings: string[] = [];
  const volumes = openVolumes(spec, states, resumption, warnings);
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

/** Host directories first, memory behind: states of volumes go by their order. */
export function openVolumes(
  spec: RunSpec,
  states: SessionStates,
  resumption: Resumption | undefined,
  warnings: string[],
): Volume[] {
  const captured = states.files === undefined ? [] : volumeStates(states.files);
  const volumes: Volume[] = [];
  if (spec.directories.length > 0) volumes.push(openHostVolume(spec, captured[0], resumption, warnings));
  if (spec.memoryDirectories.length > 0) {
    volumes.push(createMemoryVolume({ guestPaths: spec.memoryDirectories }, captured[volumes.length]));
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

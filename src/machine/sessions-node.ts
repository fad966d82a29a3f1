// The sessions of a WASI run under Node, made from what the run is given and, for a restore, from captured states.

import { createFileSystem, type Volume, volumeStates } from "../core/files/index.ts";
import { HostVolume, JournaledVolume } from "../core/host-files/index-node.ts";
import { createClock, createRandom } from "../core/index.ts";
import { createStandardStreams, nodeClocks, type StandardStreams } from "../core/index-node.ts";
import { type SessionStates, sessionStates } from "../wasi/index.ts";
import type { RunSessions } from "./cpu.ts";
import type { Resumption, RunSpec } from "./protocol.ts";

/** @throws FilesFault when directories or files are missing or were changed by others */
export function openSessions(spec: RunSpec, streams: StandardStreams, resumption: Resumption | undefined): RunSessions {
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
      clock: createClock(nodeClocks(), states.clock),
      random: createRandom(),
      files,
      stdin: terminals.stdin,
      stdout: terminals.stdout,
      stderr: terminals.stderr,
    },
    terminals,
    warnings,
    dispose: () => {
      files.dispose();
      terminals.dispose();
    },
  };
}

function openVolumes(
  spec: RunSpec,
  states: SessionStates,
  resumption: Resumption | undefined,
  warnings: string[],
): Volume[] {
  const { directories, journal } = spec;
  if (directories.length === 0) return [];
  if (journal === undefined) return [new HostVolume(directories)];
  const volume = new JournaledVolume({ directories, journal });
  try {
    const state = states.files === undefined ? undefined : volumeStates(states.files)[0];
    if (resumption && state !== undefined) {
      for (const { at, operation, reason } of volume.goBack(state, resumption.acceptChangedFiles)) {
        warnings.push(`${at.path}: ${operation} could not be undone: ${reason}`);
      }
    }
  } catch (thrown) {
    volume.dispose();
    throw thrown;
  }
  return [volume];
}

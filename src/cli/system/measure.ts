// Profiles of a running system: scopes of its supervisors (RTCR), of core, and of all components that measure some.
import type { Core } from "../../core/index.ts";
import {
  Recorder,
  type Scope,
  startProfile,
  stopProfile,
  ThreadRecorders,
  toLogLine,
  toProfile,
  toTraceEvents,
  writeProfile,
} from "../../profile/index.ts";
import { writeWhole } from "../files.ts";

/** What files of a kind are: for Perfetto and Chrome; lines of a log as the original profiler prints them. */
const KINDS: readonly (readonly [ending: string, write: (scopes: readonly Scope[]) => string])[] = [
  [".trace.json", toTraceEvents],
  [".log", (scopes) => scopes.map((scope) => `${toLogLine(scope)}\n`).join("")],
];

export interface Measured {
  readonly scopes: readonly Scope[];
  /** Scopes that found no room. */
  readonly dropped: number;
}

/** Records in this JavaScript thread, until what is returned is called for the scopes. */
export function measure({ kernel }: Core): () => Measured {
  const supervisors = new Recorder("supervisors");
  const components = new ThreadRecorders();
  startProfile(supervisors);
  kernel.scopes = components;
  return () => {
    stopProfile();
    kernel.scopes = undefined;
    const scopes = [...supervisors.scopes(), ...components.scopes()];
    return { scopes, dropped: supervisors.dropped + components.dropped };
  };
}

/** Writes a profile, or what else the file's name says. */
export function writeScopes(file: string, scopes: readonly Scope[]): void {
  const [, write] = KINDS.find(([ending]) => file.endsWith(ending)) ?? [];
  writeWhole(file, write ? write(scopes) : writeProfile(toProfile(scopes)));
}

// Profiles of a running system: scopes of its supervisors (RTCR), of core, and of all components that measure some.
import type { Core } from "../../core/index.ts";
import {
  Recorder,
  type Scope,
  startProfile,
  stopProfile,
  ThreadRecorders,
  toProfile,
  toTraceEvents,
  writeProfile,
} from "../../profile/index.ts";
import { writeWhole } from "../files.ts";

/** Files of this kind are for Perfetto and Chrome. */
const TRACE = ".trace.json";

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

/** Writes a profile, or a trace where the file's name says so. */
export function writeScopes(file: string, scopes: readonly Scope[]): void {
  writeWhole(file, file.endsWith(TRACE) ? toTraceEvents(scopes) : writeProfile(toProfile(scopes)));
}

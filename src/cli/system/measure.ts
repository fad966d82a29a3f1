// Profiles of a running system: scopes of its supervisors (RTCR) and of all components that measure some.
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
import { writeWhole } from "../profile/files.ts";

/** Files of this kind are for Perfetto and Chrome. */
const TRACE = ".trace.json";

/** Records in this JavaScript thread, until what is returned is called for the scopes. */
export function measure({ kernel }: Core): () => readonly Scope[] {
  const supervisors = new Recorder("supervisors");
  const components = new ThreadRecorders();
  startProfile(supervisors);
  kernel.scopes = components;
  return () => {
    stopProfile();
    kernel.scopes = undefined;
    return [...supervisors.scopes(), ...components.scopes()];
  };
}

/** Writes a profile, or a trace where the file's name says so. */
export function writeScopes(file: string, scopes: readonly Scope[]): void {
  writeWhole(file, file.endsWith(TRACE) ? toTraceEvents(scopes) : writeProfile(toProfile(scopes)));
}

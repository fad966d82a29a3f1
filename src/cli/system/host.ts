// What a system in a worker has of the process: directories, standard streams, devices.

import { type HostDirectory, HostVolume } from "../../core/host-files/index-node.ts";
import {
  createDevice,
  createFileSystem,
  createMemoryOutput,
  createSharedInput,
  type Device,
  type DeviceParts,
  type DeviceSpec,
  type ProvideFiles,
  type ProvideTerminal,
  type SharedInput,
} from "../../core/index.ts";
import { lastElement, type SessionState } from "../../session/index.ts";
import type { FromSystem } from "./protocol.ts";

type Say = (message: FromSystem) => void;

/** Terminal sessions whose labels end in `stdin`, `stdout` and `stderr`: the process's streams, shared by all. */
export interface SystemTerminals {
  readonly open: ProvideTerminal;
  /** Input has come; undefined: there will be no more. The caller wakes those that wait. */
  input(bytes: Uint8Array | undefined): void;
}

export function systemTerminals(say: Say): SystemTerminals {
  let stdin: SharedInput | undefined;
  const output = (stream: 1 | 2) => createMemoryOutput((bytes) => say({ type: "output", stream, bytes }));
  const [stdout, stderr] = [output(1), output(2)];
  const openInput = (state?: SessionState) => {
    // Nothing is read before somebody wants it.
    if (!stdin) say({ type: "wants-input" });
    stdin ??= createSharedInput();
    if (state !== undefined) stdin.goBack(state);
    return stdin;
  };
  return {
    open: (label, state) => {
      const name = lastElement(label);
      if (name === "stdin") return openInput(state);
      return name === "stdout" ? stdout : name === "stderr" ? stderr : undefined;
    },
    input: (bytes) => {
      if (bytes) stdin?.push(bytes);
      else stdin?.end();
    },
  };
}

/** File_system sessions: all see the same directories, and those of the host as they are. */
export function systemFiles(directories: readonly HostDirectory[]): ProvideFiles | undefined {
  return directories.length === 0 ? undefined : (_, state) => createFileSystem([new HostVolume(directories)], state);
}

/** Bytes of a device that is said at once at most, without a newline. */
const LINE_LIMIT = 1000;

/** Devices, whose output becomes lines. */
export function systemDevices(specs: readonly DeviceSpec[], say: Say): (parts: DeviceParts) => readonly Device[] {
  return (parts) => {
    const lines = new Map<string, number[]>();
    const sent = (device: string, byte: number) => {
      const line = lines.get(device) ?? [];
      lines.set(device, line);
      if (byte !== 10) line.push(byte);
      if (byte !== 10 && line.length < LINE_LIMIT) return;
      say({ type: "line", text: `<${device}> ${new TextDecoder().decode(Uint8Array.from(line)).trimEnd()}` });
      line.length = 0;
    };
    return specs.map((spec) => createDevice(spec, { ...parts, sent }));
  };
}

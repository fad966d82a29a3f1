// The `program` document of a checkpoint that the command line makes: what a restore needs beside the state itself.

import type { PlainData } from "../abi/index.ts";
import { CheckpointFault } from "../checkpoint/index.ts";
import type { HostDirectory } from "../core/host-files/index-node.ts";
import type { RunSpec } from "../machine/index-node.ts";

const KIND = "wasi-command";

/** What was run, and on what. */
export interface ProgramRecord {
  /** Where the module was read from: for people, a restore does not look there. */
  readonly file: string;
  readonly module: { readonly hash: string; readonly sizeBytes: number };
  /** The journal's folder in the state directory; absent when files are not journaled. */
  readonly journal?: string | undefined;
  /** Addresses of listening sockets, as given. */
  readonly listen: readonly string[];
  readonly spec: Omit<RunSpec, "journal">;
}

/** Whether it names something of the machine that a restore would open. */
export function namesOfHost({ listen, spec }: ProgramRecord): boolean {
  return listen.length > 0 || spec.directories.length > 0;
}

/** The record as plain data. */
export function writeRecord({ file, module, journal, listen, spec }: ProgramRecord): PlainData {
  const { directories, ...rest } = spec;
  return {
    kind: KIND,
    file,
    module: { ...module },
    ...(journal === undefined ? {} : { journal }),
    listen: [...listen],
    spec: { ...rest, directories: directories.map((directory) => ({ ...directory })) },
  };
}

/** @throws CheckpointFault "foreign" when another machine made the checkpoint, "damaged" for a wrong field */
export function readRecord(data: PlainData): ProgramRecord {
  const root = object(data, "program");
  if (root["kind"] !== KIND) {
    const found = JSON.stringify(root["kind"] ?? null);
    const message = `image: program.kind is ${found}, expected "${KIND}": it was not made by rtcr run`;
    throw new CheckpointFault("foreign", message, { path: "program.kind", found });
  }
  const module = object(root["module"], "program.module");
  const spec = object(root["spec"], "program.spec");
  const journal = root["journal"];
  return {
    file: string(root["file"], "program.file"),
    module: { hash: string(module["hash"], "program.module.hash"), sizeBytes: Number(module["sizeBytes"]) },
    ...(journal === undefined ? {} : { journal: requireFolderName(journal) }),
    listen: strings(root["listen"], "program.listen"),
    spec: {
      args: strings(spec["args"], "program.spec.args"),
      environment: strings(spec["environment"], "program.spec.environment"),
      memoryDirectories: strings(spec["memoryDirectories"], "program.spec.memoryDirectories"),
      directories: list(spec["directories"], "program.spec.directories").map(readDirectory),
      holdOutput: spec["holdOutput"] === true,
      deterministic: spec["deterministic"] === true,
    },
  };
}

function readDirectory(data: PlainData, index: number): HostDirectory {
  const path = `program.spec.directories[${index}]`;
  const { hostPath, guestPath, writable } = object(data, path);
  return {
    hostPath: string(hostPath, `${path}.hostPath`),
    guestPath: string(guestPath, `${path}.guestPath`),
    writable: writable === true,
  };
}

/** It becomes part of a path. */
function requireFolderName(data: PlainData): string {
  if (typeof data === "string" && /^[0-9a-f]{16}$/.test(data)) return data;
  throw wrong("program.journal", "16 hexadecimal digits");
}

function object(data: PlainData | undefined, path: string): Readonly<Record<string, PlainData | undefined>> {
  const plain = typeof data === "object" && data !== null && !Array.isArray(data) && !(data instanceof Uint8Array);
  if (!plain) throw wrong(path, "an object");
  return data as Readonly<Record<string, PlainData | undefined>>;
}

function string(data: PlainData | undefined, path: string): string {
  if (typeof data === "string") return data;
  throw wrong(path, "a text");
}

function list(data: PlainData | undefined, path: string): readonly PlainData[] {
  if (Array.isArray(data)) return data as readonly PlainData[];
  throw wrong(path, "a list");
}

function strings(data: PlainData | undefined, path: string): readonly string[] {
  return list(data, path).map((item, index) => string(item, `${path}[${index}]`));
}

function wrong(path: string, expected: string): CheckpointFault {
  return new CheckpointFault("damaged", `image: ${path} is not what it has to be, expected ${expected}`, {
    path,
    expected,
  });
}

// A checkpoint described for people and as JSON: names instead of numbers where there are any.

import { existsSync, readFileSync } from "node:fs";
import type { PlainData } from "../abi/index.ts";
import type { HostDirectory } from "../core/host-files/index-node.ts";
import type { LoadedImage } from "../store/index-node.ts";
import { functionName, type Module } from "../wasm/index.ts";
import { madeByRun } from "./check-image.ts";
import type { Home } from "./home.ts";
import { carriedModule, listOf, numberOf, recordOf, textOf } from "./lenient.ts";
import { readRecord } from "./record.ts";

export interface ImageDescription {
  readonly id: string;
  readonly name: string;
  readonly created: string;
  readonly parent?: string | undefined;
  readonly format: number;
  readonly abi: number;
  /** Absent when rtcr run has not made it. */
  readonly program?: {
    readonly file: string;
    readonly args: readonly string[];
    readonly directories: readonly HostDirectory[];
  };
  readonly modules: readonly { readonly module: string; readonly carriedBytes?: number }[];
  readonly instances: readonly {
    readonly number: number;
    readonly name: string;
    /** Pages of 64 KiB. */
    readonly memories: readonly { readonly index: number; readonly pages: number }[];
    readonly globals: number;
    readonly tables: readonly { readonly index: number; readonly elements: number }[];
  }[];
  readonly threads: readonly {
    readonly id: number;
    readonly entry: string;
    readonly hostCall?: string;
    /** Outermost first. */
    readonly frames: readonly FrameDescription[];
  }[];
  readonly descriptors: readonly DescriptorDescription[];
}

interface FrameDescription {
  readonly instance: number;
  readonly function: number;
  readonly name: string;
  /** Byte offset of the instruction in the function's body; 0 is its entry. */
  readonly position: number;
  /** How many values it needs. */
  readonly values: number;
}

interface DescriptorDescription {
  readonly fd: number;
  readonly kind: string;
  readonly path: string;
  readonly offset: string;
}

/** @throws CheckpointFault, StoreFault when the image cannot be read */
export async function describeImage({ root, reader }: LoadedImage, home: Home): Promise<ImageDescription> {
  const { manifest } = reader;
  const group = await reader.outline();
  const names = await functionNames({ root, reader }, home);
  const program = await reader.program();
  const { id } = root;
  const { name, created, parent, format, abi } = manifest;
  return {
    ...{ id, name, created, ...(parent === undefined ? {} : { parent }), format, abi },
    ...programOf(program),
    modules: [...new Set(manifest.instances.map(({ module }) => module))].map((module) => {
      const content = Object.hasOwn(manifest.modules, module) ? manifest.modules[module] : undefined;
      return { module, ...(content ? { carriedBytes: content.sizeBytes } : {}) };
    }),
    instances: group.instances.map((instance, number) => ({
      ...{ number, name: instance.name, globals: instance.globals.length },
      memories: instance.memories.map(({ index, pages }) => ({ index, pages })),
      tables: instance.tables.map(({ index, elements }) => ({ index, elements: elements.length })),
    })),
    threads: group.threads.map(({ id: thread, entry, frames, hostCall }) => ({
      ...{ id: thread, entry: entry.name },
      ...(hostCall ? { hostCall: `${hostCall.module}.${hostCall.name}` } : {}),
      frames: frames.map((frame) => ({
        ...{ instance: frame.instance, function: frame.function, position: frame.position },
        name: names(frame.instance, frame.function),
        values: frame.values.length,
      })),
    })),
    descriptors: Object.hasOwn(manifest.sessions, "wasi") ? descriptorsOf(await reader.session("wasi")) : [],
  };
}

function programOf(program: PlainData): Pick<ImageDescription, "program"> {
  if (!madeByRun(program)) return {};
  const { file, spec } = readRecord(program);
  return { program: { file, args: spec.args, directories: spec.directories } };
}

/** The name of a function of an instance, as far as its module can be found. */
async function functionNames(
  { reader }: LoadedImage,
  home: Home,
): Promise<(instance: number, index: number) => string> {
  const modules = new Map<string, Module>();
  const { instances, modules: carried } = reader.manifest;
  for (const { module: hash } of instances) {
    const kept = home.find("modules", `${hash}.wasm`);
    const bytes = Object.hasOwn(carried, hash)
      ? await reader.module(hash)
      : existsSync(kept)
        ? new Uint8Array(readFileSync(kept))
        : undefined;
    if (bytes && !modules.has(hash)) modules.set(hash, carriedModule(bytes, hash));
  }
  return (instance, index) => {
    const module = modules.get(instances[instance]?.module ?? "");
    return module ? functionName(module, index) : `function ${index}`;
  };
}

/** The descriptor table in the state of WASI, as far as it looks like one: nothing here relies on it. */
function descriptorsOf(state: PlainData): DescriptorDescription[] {
  return listOf(recordOf(state)["descriptors"]).map((item) => {
    const { fd, target, path, offset = 0 } = recordOf(item);
    return { fd: numberOf(fd), kind: textOf(recordOf(target)["kind"]), path: textOf(path), offset: textOf(offset) };
  });
}

// Checkpoints of components: what RTCR records of one or several children at one moment, as a checkpoint that any store
// keeps. Contents of dataspaces become contents of the image, so that increments share pages.
import { ABI_VERSION, type PlainData } from "../abi/index.ts";
import { damagedField } from "./faults.ts";
import type { CallInfo, ChildInfo } from "./info.ts";
import { readCallInfo, readChildInfo } from "./info-shapes.ts";
import { integer, list, record, text } from "./shapes.ts";
import type { Checkpoint } from "./types.ts";

const KIND = "rtcr-system";

export interface ExitedChild {
  readonly name: string;
  readonly value: number;
}

/** Children that were stopped together. */
export interface SystemCheckpoint {
  /** UTC, `2026-11-23T12:34:56.789Z`. */
  readonly created: string;
  readonly name: string;
  /** Id of the checkpoint it derives from. */
  readonly parent?: string | undefined;
  readonly children: readonly ChildInfo[];
  /** Children of the same supervisor that had exited: they are not started again. */
  readonly exited: readonly ExitedChild[];
  /** Calls that were under way between them. */
  readonly calls: readonly CallInfo[];
  /** Programs by SHA-256, when the image is to carry them. */
  readonly modules?: Readonly<Record<string, Uint8Array>> | undefined;
}

/** As the one kind of checkpoint that stores know. */
export function toCheckpoint(system: SystemCheckpoint): Checkpoint {
  const { created, name, parent, modules, children, exited, calls } = system;
  return {
    created,
    name,
    ...(parent === undefined ? {} : { parent }),
    program: { kind: KIND },
    group: { abi: ABI_VERSION, instances: [], threads: [] },
    sessions: {
      children: children as unknown as PlainData,
      exited: exited as unknown as PlainData,
      calls: calls as unknown as PlainData,
    },
    ...(modules === undefined ? {} : { modules }),
  };
}

/** Whether a checkpoint is one of components. */
export function systemLike({ program }: Pick<Checkpoint, "program">): boolean {
  return typeof program === "object" && program !== null && "kind" in program && program.kind === KIND;
}

/** Throws CheckpointFault "damaged", naming the field, if it is none of components or a record is not what it must be. */
export function fromCheckpoint(checkpoint: Checkpoint): SystemCheckpoint {
  if (!systemLike(checkpoint)) throw damagedField("program", checkpoint.program, `a checkpoint of kind ${KIND}`);
  const { created, name, parent, modules } = checkpoint;
  const { children, exited, calls } = record<Pick<SystemCheckpoint, "children" | "exited" | "calls">>({
    children: list(readChildInfo),
    exited: list(record<ExitedChild>({ name: text, value: integer })),
    calls: list(readCallInfo),
  })(checkpoint.sessions, "sessions");
  const optional = { ...(parent === undefined ? {} : { parent }), ...(modules === undefined ? {} : { modules }) };
  return { created, name, ...optional, children, exited, calls };
}

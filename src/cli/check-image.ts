// Whether a checkpoint says something that a restore would understand: bytes that hash well may still be anybody's.
import { fromCheckpoint, systemLike } from "../checkpoint/index.ts";
import type { LoadedImage } from "../store/index-node.ts";
import { Fault } from "../util/index.ts";
import { sessionStates } from "../wasi/index.ts";
import { readRecord } from "./record.ts";

/** Reads everything but memories. @returns what is wrong first; undefined: nothing */
export async function checkImage({ reader }: LoadedImage): Promise<Fault | undefined> {
  try {
    const program = await reader.program();
    if (systemLike({ program })) {
      fromCheckpoint(await reader.checkpoint());
      return undefined;
    }
    await reader.outline();
    if (!madeByRun(program)) return undefined;
    readRecord(program);
    sessionStates(await reader.session("wasi"));
    return undefined;
  } catch (thrown) {
    if (thrown instanceof Fault) return thrown;
    throw thrown;
  }
}

/** By `rtcr run`, of a program; other machines keep other things. */
export function madeByRun(program: unknown): boolean {
  return typeof program === "object" && program !== null && "kind" in program && program.kind === "wasi-command";
}

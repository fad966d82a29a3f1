// How services get memory for what they hand out: core's from its own pool, those of native components from their PD.
import { type Capability, type Dataspace, type OutOf, objectOf, type PdSession } from "../../session/index.ts";
import { type Attempt, refusal, success } from "../../util/index.ts";

/** A dataspace in the hands of the service that made it. */
export interface OwnedDataspace {
  readonly capability: Capability<Dataspace>;
  /** Bytes, a multiple of the page size. */
  readonly size: number;
  /** Writes `bytes`, which must fit, to its begin, also where clients may not; `rest` says what becomes of what follows. */
  fill(bytes: Uint8Array, rest?: "keep" | "zero"): void;
  /** Detaches it everywhere; its capability is dead afterwards. Harmless when repeated. */
  dispose(): void;
}

/** Makes a zeroed dataspace of `sizeBytes`, at least one page. */
export type MakeDataspace = (sizeBytes: number) => Attempt<OwnedDataspace, OutOf>;

/** Dataspaces charged to a PD; clients may write to them if they attach them so. */
export function pdDataspaces(pd: PdSession): MakeDataspace {
  return (sizeBytes) => {
    const allocated = pd.alloc(Math.max(1, sizeBytes));
    if (!allocated.ok) {
      return refusal(allocated.reason === "undefined-ref-account" ? "out-of-ram" : allocated.reason);
    }
    const capability = allocated.value;
    const size = pd.dataspaceSize(capability);
    const write = (offset: number, bytes: Uint8Array) => {
      objectOf<Dataspace>(capability, "dataspace")?.write(offset, bytes);
    };
    return success({
      capability,
      size,
      fill: (bytes, rest = "keep") => {
        write(0, bytes);
        if (rest === "zero") write(bytes.length, new Uint8Array(size - bytes.length));
      },
      dispose: () => pd.free(capability),
    });
  };
}

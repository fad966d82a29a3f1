// How services get memory for what they hand out: core's from its own pool, those of native components from their PD.
import { type Capability, type Dataspace, type OutOf, objectOf, type PdSession, toPages } from "../../session/index.ts";
import { type Attempt, refusal, success } from "../../util/index.ts";
import { type ByteDataspace, type CoreContext, createDataspace } from "../memory/index.ts";
import type { Budget } from "../pd/index.ts";

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
    return success(pdDataspace(pd, allocated.value));
  };
}

/** One of a PD's dataspaces in the hands of the service that it was made for. */
export function pdDataspace(pd: PdSession, capability: Capability<Dataspace>): OwnedDataspace {
  const size = pd.dataspaceSize(capability);
  const write = (offset: number, bytes: Uint8Array) => {
    objectOf<Dataspace>(capability, "dataspace")?.write(offset, bytes);
  };
  return {
    capability,
    size,
    fill: (bytes, rest = "keep") => {
      write(0, bytes);
      if (rest === "zero") write(bytes.length, new Uint8Array(size - bytes.length));
    },
    dispose: () => pd.free(capability),
  };
}

/** Dataspaces of core, charged to a budget: their whole pages and one capability each. */
export function budgetDataspaces(
  core: CoreContext,
  budget: Budget,
  origin: "ram" | "rom" | "io" = "ram",
): MakeDataspace {
  return (sizeBytes) => {
    const size = Math.max(1, sizeBytes);
    const charge = { ram: toPages(size), caps: 1 };
    const charged = budget.charge(charge);
    if (!charged.ok) return charged;
    const dataspace = createDataspace(core, { origin, size });
    if (dataspace) return success(ownedDataspace(dataspace, () => budget.refund(charge)));
    budget.refund(charge);
    return refusal("out-of-ram");
  };
}

function ownedDataspace(dataspace: ByteDataspace, refund: () => void): OwnedDataspace {
  const size = dataspace.size();
  return {
    capability: dataspace.capability,
    size,
    fill: (bytes, rest = "keep") => {
      dataspace.fill(0, bytes);
      if (rest === "zero") dataspace.fill(bytes.length, new Uint8Array(size - bytes.length));
    },
    dispose: () => {
      if (!dataspace.capability.valid) return;
      dataspace.dispose();
      refund();
    },
  };
}

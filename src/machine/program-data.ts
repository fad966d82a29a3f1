// What a checkpoint of a machine says about its program, beside the modules: how its instances are linked, and which
// of them are no instances for the embedder.

import type { PlainData } from "../abi/index.ts";

const KIND = "machine";

type InstanceLinks = Readonly<Record<string, string>>;

/**
 * @param links for each instance: import module -> name of the instance that it comes from
 * @param failed numbers of those whose instantiation failed
 */
export function programData(links: readonly InstanceLinks[], failed: readonly number[]): PlainData {
  return { kind: KIND, links, ...(failed.length > 0 ? { failed } : {}) };
}

/** Numbers of the instances of a checkpoint whose instantiation had failed. */
export function savedFailed(program: PlainData): readonly number[] {
  const failed = isRecord(program) && program["kind"] === KIND ? program["failed"] : undefined;
  return Array.isArray(failed) ? failed.filter((number) => typeof number === "number") : [];
}

/** The links of a checkpoint; none for a program that is no machine's. It may come from a foreign image. */
export function savedLinks(program: PlainData): readonly InstanceLinks[] {
  if (!isRecord(program) || program["kind"] !== KIND || !Array.isArray(program["links"])) return [];
  return (program["links"] as readonly PlainData[]).map((links) => {
    if (!isRecord(links)) return {};
    return Object.fromEntries(
      Object.entries(links).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
    );
  });
}

function isRecord(data: PlainData | undefined): data is { readonly [key: string]: PlainData | undefined } {
  return typeof data === "object" && data !== null && !Array.isArray(data) && !(data instanceof Uint8Array);
}

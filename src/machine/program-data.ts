// What a checkpoint of a machine says about its program, beside the modules: how its instances are linked.

import type { PlainData } from "../abi/index.ts";

const KIND = "machine";

type InstanceLinks = Readonly<Record<string, string>>;

/** @param links for each instance: import module -> name of the instance that it comes from */
export function programData(links: readonly InstanceLinks[]): PlainData {
  return { kind: KIND, links };
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

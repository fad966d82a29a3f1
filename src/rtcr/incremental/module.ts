// Module `inc` (spec 1.5, 1.6, S108): checkpoints are increments.
//
//   <module name="inc"/> <granularity>4</granularity>     a supervisor whose granules have four pages of 4 KiB
//   rtcrProgram(host, () => new IncrementalModule({ granularity: 4 }))     the same for all supervisors of a program
//
// Programs are loaded with marks, so that what they write is known without looking. 0 pages are full checkpoints, as the
// thesis's version 1 has it.
import type { XmlNode } from "../../init/index.ts";
import type { ContentKeeper } from "../content-keeper.ts";
import type { RtcrModule } from "../module.ts";
import { IncrementalContents, type IncrementalOptions } from "./contents.ts";

export const INCREMENTAL = "inc";
/** Pages of a granule: 16 MiB. */
export const GRANULARITY_LIMIT = 4096;

export class IncrementalModule implements RtcrModule {
  readonly name = INCREMENTAL;
  readonly #options: IncrementalOptions;
  #contents: IncrementalContents | undefined;

  /** @param options `granularity` is for configurations without one */
  constructor(options: IncrementalOptions = {}) {
    this.#options = options;
    this.#use(options.granularity ?? 1);
  }

  configure(config: XmlNode): void {
    this.#use(granularityOf(config) ?? this.#options.granularity ?? 1);
  }

  keeper(): ContentKeeper | undefined {
    return this.#contents;
  }

  marks(): boolean {
    return this.#contents !== undefined;
  }

  dispose(): void {
    this.#contents?.dispose();
    this.#contents = undefined;
  }

  /** Another size of granules begins with a full checkpoint. */
  #use(granularity: number): void {
    if (this.#contents?.granularity === granularity) return;
    this.dispose();
    if (granularity > 0) this.#contents = new IncrementalContents({ ...this.#options, granularity });
  }
}

/** What a configuration says, if that is a number of pages. */
export function granularityOf(config: XmlNode): number | undefined {
  const text = config.child("granularity")?.text.trim() ?? "";
  const pages = /^\d{1,9}$/.test(text) ? Number(text) : undefined;
  return pages !== undefined && pages <= GRANULARITY_LIMIT ? pages : undefined;
}

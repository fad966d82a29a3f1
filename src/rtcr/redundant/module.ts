// Module `red` (spec 1.5, 1.6, S109): redundant memory.
//
//   <module name="red"/> <redundant slots="4"/>     a supervisor whose children's memory has mirrors with four slots
//   rtcrProgram(host, () => new RedundantModule({ slots: 4 }))     the same for all supervisors of a program
//
// Programs are loaded with mirrors: what they write they write twice. So the pause does not depend on how much was written.
import type { XmlNode } from "../../init/index.ts";
import { MIRROR_SLOTS, readNumber } from "../../session/index.ts";
import type { DataProvider } from "../data-provider.ts";
import { UntouchedProvider } from "../data-provider.ts";
import type { RtcrModule } from "../module.ts";
import { RedundantContents } from "./contents.ts";

export const REDUNDANT = "red";

export interface RedundantOptions {
  /** For configurations that have none. Default: as few as there can be. */
  readonly slots?: number;
  /** Where contents lie, a lease for each checkpoint. Default: shared memory, as it is needed. */
  readonly provider?: DataProvider;
}

export class RedundantModule implements RtcrModule {
  readonly name = REDUNDANT;
  /** What it keeps. */
  readonly contents: RedundantContents;
  readonly #slots: number;
  #configured: number | undefined;

  constructor({ slots = MIRROR_SLOTS.least, provider = new UntouchedProvider() }: RedundantOptions = {}) {
    this.#slots = slots;
    this.contents = new RedundantContents(provider);
  }

  /** Programs that are loaded from now on have as many slots. */
  configure(config: XmlNode): void {
    this.#configured = slotsOf(config);
  }

  keeper(): RedundantContents {
    return this.contents;
  }

  mirrorSlots(): number {
    return this.#configured ?? this.#slots;
  }

  dispose(): void {
    this.contents.dispose();
  }
}

/** What a configuration says, if that is a number of slots. */
export function slotsOf(config: XmlNode): number | undefined {
  const slots = readNumber(config.child("redundant")?.attributes.get("slots") ?? "");
  return slots !== undefined && slots >= MIRROR_SLOTS.least && slots <= MIRROR_SLOTS.most ? slots : undefined;
}

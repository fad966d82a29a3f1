// Layouts: how to read and write the records of a program's frames, in terms of positions and values.

import type { ValueTypeName } from "../abi/index.ts";
import { isRef } from "../wasm/index.ts";
import type { Plan, SiteKind } from "./plan.ts";
import type { Program } from "./program.ts";
import { recordLayout } from "./saver.ts";
import { typeName } from "./type-names.ts";

/** Makes a plan hold all sites that any options could ask for. */
const EVERY_SITE = [Number.POSITIVE_INFINITY];

/** One value of a record. */
export interface LayoutValue {
  readonly type: ValueTypeName;
  /** Offset in the record, in bytes; for references, of the slot in their table. */
  readonly offset: number;
  /** Number of the reference table, -1 for numbers. */
  readonly table: number;
}

/** A site as records name it. */
export interface LayoutSite {
  readonly number: number;
  readonly kind: SiteKind;
  readonly position: number;
  /** Values of a frame that stands here, in their canonical order. */
  readonly values: readonly LayoutValue[];
}

export interface FrameLayout {
  readonly number: number;
  readonly function: number;
  /** Size of a record in bytes. */
  readonly bytes: number;
  readonly sites: readonly LayoutSite[];
}

/** A site that a frame can stand at, with the layout that its records have. */
interface Place {
  readonly layout: FrameLayout;
  readonly site: LayoutSite;
}

/** The layouts of one program; each is worked out when it is first asked for, and so is where a position belongs. */
export class FrameLayouts {
  readonly #program: Program;
  readonly #layouts = new Map<number, FrameLayout>();
  /** By function and position: frames often stand at the same places, and every look-up plans the function. */
  readonly #places = new Map<string, Place>();

  constructor(program: Program) {
    this.#program = program;
  }

  /** The layout that a record names. */
  layout(number: number): FrameLayout {
    let layout = this.#layouts.get(number);
    if (!layout) this.#layouts.set(number, (layout = this.#make(number)));
    return layout;
  }

  /**
   * The layout and site for a frame that stands at `position` of a function; undefined if there is no site there.
   *
   * @param position byte offset in the original body, 0 for the entry
   */
  at(functionIndex: number, position: number): Place | undefined {
    const key = `${functionIndex} ${position}`;
    const known = this.#places.get(key);
    if (known) return known;
    const place = this.#find(functionIndex, position);
    if (place) this.#places.set(key, place);
    return place;
  }

  #find(functionIndex: number, position: number): Place | undefined {
    const program = this.#program;
    if (functionIndex < program.spaces.importedFunctions || functionIndex >= program.spaces.functions.length)
      return undefined;
    const at = (plan: Plan) => plan.sites.find((entry) => entry.position === position);
    let plan = program.plan(functionIndex);
    if (!at(plan)) plan = program.plan(functionIndex, EVERY_SITE);
    const site = at(plan);
    if (!site) return undefined;
    const layout = this.layout(program.layoutNumber(plan, site));
    return { layout, site: layout.sites[site.number]! };
  }

  #make(number: number): FrameLayout {
    const program = this.#program;
    const { function: index, extra } = program.layoutOf(number);
    const plan = program.plan(index, extra === undefined ? [] : [extra]);
    const union = plan.union(extra === undefined ? undefined : plan.sites[extra]);
    const { offsets, bytes } = recordLayout(union);
    const place = new Map(union.map((value, i) => [value.local, offsets[i]!]));
    const sites = plan.sites.map((site) => ({
      number: site.number,
      kind: site.kind,
      position: site.position,
      values: plan.values(site).map(({ local, type }) => ({
        type: typeName(type),
        offset: place.get(local) ?? -1,
        table: isRef(type) && place.has(local) ? program.referenceNumber(type) : -1,
      })),
    }));
    return { number, function: index, bytes, sites };
  }
}

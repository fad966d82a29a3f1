// What all objects of one system share: badges, physical addresses, and where warnings go. No object lives here.
import { Badges, PAGE_BYTES } from "../../session/index.ts";
import { CoreScopes } from "../scopes.ts";
import { MISFIT_LIMIT } from "./limits.ts";
import { Ranges } from "./ranges.ts";

/** Addresses that stand for physical memory: every dataspace has a range of its own, aligned as its size allows. */
const PHYSICAL_BYTES = 2 ** 52;

export interface CoreContext {
  readonly badges: Badges;
  /** Used physical ranges. */
  readonly physical: Ranges<{ readonly start: number; readonly end: number }>;
  readonly scopes: CoreScopes;
  /** Takes one line for people: a component did something that had no effect, or was refused for a reason. */
  warn(message: string): void;
}

export interface CoreContextOptions {
  /** Default: a new sequence. */
  readonly badges?: Badges;
  /** Default: nowhere. */
  readonly warn?: (message: string) => void;
}

/** A system without objects. */
export function createCoreContext(options: CoreContextOptions = {}): CoreContext {
  return {
    badges: options.badges ?? new Badges(),
    scopes: new CoreScopes(),
    physical: new Ranges(0, PHYSICAL_BYTES, MISFIT_LIMIT, PAGE_BYTES),
    warn: options.warn ?? (() => {}),
  };
}

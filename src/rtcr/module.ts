// What a module may bring (spec 1.5, S111, S112). It is given to the program that makes supervisors, at compile time:
//
//   rtcrProgram(host, MODULE)      or a function that makes one for each supervisor
//
// - classes behind sessions: `interposers`
// - what copies contents: `engine` of all dataspaces, or `dataspaces.copy` by what it keeps of one
// - what keeps contents, so that a checkpoint need not copy all of them: `keeper` (modules `inc` and `red`)
// - data of its own for each dataspace: `dataspaces`
// - a configuration of its own: elements of the supervisor's `<config>` that only it knows
import type { ElementSchema, XmlNode } from "../init/index.ts";
import type { Cached, Capability, Dataspace } from "../session/index.ts";
import type { ContentKeeper } from "./content-keeper.ts";
import type { CopyEngine } from "./copier.ts";
import type { Interposers } from "./tracked-child.ts";

/** A piece of a dataspace in one of the child's region maps, in bytes. */
export interface DataspacePlace {
  readonly address: number;
  readonly size: number;
  readonly offset: number;
}

/** What a module does with the dataspaces that children allocate, and keeps of each. Throws nothing. */
export interface DataspaceModule<Data> {
  /**
   * A child has allocated one; or the supervisor was restored itself, and has it again.
   *
   * @returns the module's own data, until `freed`
   */
  allocated(dataspace: Capability<Dataspace>, size: number, cached: Cached): Data;
  /** Told of each attachment; again when the supervisor was restored itself, after `allocated`. */
  attached?(data: Data, place: DataspacePlace): void;
  /** Told when an attachment ends before the dataspace does. @param place as `attached` had it */
  detached?(data: Data, place: DataspacePlace): void;
  /** Copies the content, in the pause. @returns false: it has written nothing, it is copied like others */
  copy?(data: Data, dataspace: Dataspace, target: Uint8Array): boolean;
  freed?(data: Data): void;
}

export interface RtcrModule<Data = unknown> {
  /** As `<module name>` has it. */
  readonly name: string;
  /** Elements of a supervisor's configuration that are the module's, none of them init's or RTCR's. */
  readonly schema?: ElementSchema["children"];
  /** Whenever there is another configuration, before children are made by it. @param config the supervisor's `<config>` */
  configure?(config: XmlNode): void;
  readonly interposers?: Interposers;
  readonly engine?: CopyEngine;
  readonly dataspaces?: DataspaceModule<Data>;
  /** Asked at each checkpoint; undefined: this one is a full one, in its lease. */
  keeper?(): ContentKeeper | undefined;
  /** Asked when a program is loaded: whether its stores mark what they write, for a keeper. Default: no. */
  marks?(): boolean;
  /** Asked when a program is loaded: slots of a mirror that it shall have, for a keeper. Default: none. */
  mirrorSlots?(): number | undefined;
  /** The supervisor that it was made for is no more. */
  dispose?(): void;
}

interface Kept<Data> {
  readonly data: Data;
  /** Made with the dataspace: a pause makes nothing. */
  readonly copy: CopyEngine | undefined;
}

/** What a module keeps of the dataspaces of one child. */
export class ModuleDataspaces<Data = unknown> {
  readonly #module: DataspaceModule<Data>;
  readonly #kept = new Map<Capability<Dataspace>, Kept<Data>>();

  constructor(module: DataspaceModule<Data>) {
    this.#module = module;
  }

  allocated(dataspace: Capability<Dataspace>, size: number, cached: Cached): void {
    const data = this.#module.allocated(dataspace, size, cached);
    const copies = this.#module.copy !== undefined;
    const copy: CopyEngine = (content, _, target) => this.#module.copy?.(data, content, target) ?? false;
    this.#kept.set(dataspace, { data, copy: copies ? copy : undefined });
  }

  /** Harmless for what the child has not allocated. */
  attached(dataspace: Capability<Dataspace>, place: DataspacePlace): void {
    const kept = this.#kept.get(dataspace);
    if (kept) this.#module.attached?.(kept.data, placeOf(place));
  }

  /** Harmless for what the child has not allocated, or has freed. */
  detached(dataspace: Capability<Dataspace>, place: DataspacePlace): void {
    const kept = this.#kept.get(dataspace);
    if (kept) this.#module.detached?.(kept.data, placeOf(place));
  }

  copyOf(dataspace: Capability<Dataspace>): CopyEngine | undefined {
    return this.#kept.get(dataspace)?.copy;
  }

  freed(dataspace: Capability<Dataspace>): void {
    const kept = this.#kept.get(dataspace);
    if (kept && this.#kept.delete(dataspace)) this.#module.freed?.(kept.data);
  }

  /** A PD has ended: dataspaces that have gone with it are freed. */
  sweep(): void {
    for (const dataspace of [...this.#kept.keys()]) if (!dataspace.valid) this.freed(dataspace);
  }
}

function placeOf({ address, size, offset }: DataspacePlace): DataspacePlace {
  return { address, size, offset };
}

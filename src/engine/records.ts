// Frame records <-> saved frames: reads the records of the resident thread, and writes those of a thread to continue.

import { CONTROL, RECORD, type SavedFrame, type SavedValue, type ValueTypeName } from "../abi/index.ts";
import type { NumberType, PlainWriter } from "../util/index.ts";
import type { Control } from "./control.ts";
import { EngineFault } from "./faults.ts";
import type { Instance } from "./instance.ts";
import type { References } from "./references.ts";
import type { RecordLayout, RecordSite, RecordValue } from "./rewritten.ts";
import { fits, writeNumber } from "./values.ts";

/** One record: where it lies, whose it is and what it says. */
export interface Record {
  readonly address: number;
  readonly instance: Instance;
  readonly layout: RecordLayout;
  readonly site: RecordSite;
}

/** Records moved out as they are, with the references that they name: good for this group only, and quickly put back. */
export interface RawRecords {
  readonly view: DataView;
  readonly last: number;
  /** Number of slots in use of the reference tables. */
  readonly slots: number;
  readonly references: readonly {
    readonly instance: Instance;
    readonly table: number;
    readonly values: readonly unknown[];
  }[];
}

export const REFERENCE_BYTES = 8;

/** What stands in a slot of a reference table. */
type FindReference = (instance: Instance, table: number, slot: number, type: ValueTypeName) => unknown;

export class Records {
  readonly #control: Control;
  readonly #instances: readonly Instance[];
  readonly #references: References;

  constructor(control: Control, instances: readonly Instance[], references: References) {
    this.#control = control;
    this.#instances = instances;
    this.#references = references;
  }

  /** The resident records, outermost first. */
  list(): Record[] {
    const { view } = this.#control;
    const found: Record[] = [];
    for (let at = this.#control.get(CONTROL.last); at !== 0; at = view.getInt32(at + RECORD.inner, true)) {
      const instance = this.#instances[view.getInt32(at + RECORD.instance, true)]!;
      const layout = instance.program.layout(view.getInt32(at + RECORD.function, true));
      found.push({ address: at, instance, layout, site: layout.sites[view.getInt32(at + RECORD.site, true)]! });
    }
    return found;
  }

  /** Writes the resident records as a list of saved frames, outermost first. */
  save(to: PlainWriter): void {
    const { view } = this.#control;
    this.#save(view, 0, this.#control.get(CONTROL.last), this.#resident, to);
  }

  /** Writes records that were moved out in the same way: they stay where they are, and so does what is resident. */
  saveMoved({ view, last, references }: RawRecords, to: PlainWriter): void {
    this.#moved = references;
    this.#save(view, CONTROL.frames, last, this.#inMoved, to);
  }

  /** @param base the address of the view's first byte in the control memory */
  #save(view: DataView, base: number, last: number, reference: FindReference, to: PlainWriter): void {
    const begin = to.list();
    let count = 0;
    for (let address = last; address !== 0; address = view.getInt32(address - base + RECORD.inner, true)) {
      this.#saveFrame(view, address - base, reference, to);
      count++;
    }
    to.endList(begin, count);
  }

  #saveFrame(view: DataView, at: number, reference: FindReference, to: PlainWriter): void {
    const instance = this.#instances[view.getInt32(at + RECORD.instance, true)]!;
    const layout = instance.program.layout(view.getInt32(at + RECORD.function, true));
    const { position, values } = layout.sites[view.getInt32(at + RECORD.site, true)]!;
    const begin = to.frame(instance.number, layout.function, position);
    for (let i = 0; i < values.length; i++) {
      const { offset, table, type } = values[i]!;
      if (table < 0) to.value(type as NumberType, view, at + offset);
      else this.#references.write(reference(instance, table, view.getInt32(at + offset, true), type), type, to);
    }
    to.endList(begin, values.length);
  }

  /**
   * Writes `frames` (outermost first) as resident records.
   *
   * @throws EngineFault "mismatch" if a frame does not fit its program; nothing is resident then
   */
  write(frames: readonly SavedFrame[]): void {
    const control = this.#control;
    control.reset();
    let inner = 0;
    let address: number = CONTROL.frames;
    try {
      for (let i = frames.length - 1; i >= 0; i--) {
        const { instance, layout, site } = this.#place(frames[i]!, i);
        control.reserve(address, layout.bytes);
        const { view } = control;
        view.setInt32(address + RECORD.inner, inner, true);
        view.setInt32(address + RECORD.instance, instance.number, true);
        view.setInt32(address + RECORD.function, layout.number, true);
        view.setInt32(address + RECORD.site, site.number, true);
        site.values.forEach((value, index) => {
          this.#writeValue(address, value, frames[i]!.values[index]!, instance);
        });
        inner = address;
        address += layout.bytes;
      }
    } catch (thrown) {
      control.reset();
      throw thrown;
    }
    control.set(CONTROL.top, address);
    control.set(CONTROL.last, inner);
  }

  /** How many bytes `take` takes. */
  get bytes(): number {
    const control = this.#control;
    const slots = control.get(CONTROL.refs);
    let bytes = control.get(CONTROL.top) - CONTROL.frames;
    if (slots === 0) return bytes;
    for (const instance of this.#instances) {
      for (let table = 0; table < instance.program.info.references.length; table++) {
        bytes += Math.min(slots, instance.references(table).length) * REFERENCE_BYTES;
      }
    }
    return bytes;
  }

  /** The resident records, to be put back later. */
  take(): RawRecords {
    const control = this.#control;
    const slots = control.get(CONTROL.refs);
    const bytes = new Uint8Array(control.memory.buffer).slice(CONTROL.frames, control.get(CONTROL.top));
    const references = this.#instances.flatMap((instance) =>
      instance.program.info.references.flatMap((type, table) => {
        const length = Math.min(slots, instance.references(table).length);
        const read = (slot: number) => this.#resident(instance, table, slot, type);
        return length === 0 ? [] : [{ instance, table, values: Array.from({ length }, (_, slot) => read(slot)) }];
      }),
    );
    return { view: new DataView(bytes.buffer), last: control.get(CONTROL.last), slots, references };
  }

  /** Makes records resident that were moved out. */
  put({ view, last, slots, references }: RawRecords): void {
    const control = this.#control;
    control.reserve(CONTROL.frames, view.byteLength);
    new Uint8Array(control.memory.buffer).set(new Uint8Array(view.buffer), CONTROL.frames);
    control.set(CONTROL.top, CONTROL.frames + view.byteLength);
    control.set(CONTROL.last, last);
    control.set(CONTROL.refs, slots);
    for (const { instance, table, values } of references) {
      values.forEach((value, slot) => {
        this.#putReference(instance, table, slot, value);
      });
    }
  }

  /**
   * Whether frames, outermost first, could stand like this: each fits its program, and every one that has called the
   * next, or the host, stands at a call; the innermost stands at a call only then.
   *
   * @throws EngineFault "mismatch"
   */
  check(frames: readonly SavedFrame[], hostCall: boolean): void {
    frames.forEach((frame, depth) => {
      const { site } = this.#place(frame, depth);
      const calls = hostCall || depth < frames.length - 1;
      if ((site.kind === "call") === calls) return;
      const expected = calls ? "a call" : "a safe point that is no call";
      throw new EngineFault("mismatch", `frame ${depth}: expected a position of ${expected}, found a ${site.kind}`);
    });
  }

  #place(frame: SavedFrame, depth: number) {
    const instance = this.#instances[frame.instance];
    const place = instance?.program.at(frame.function, frame.position);
    const where = `frame ${depth} (instance ${frame.instance}, function ${frame.function}, position ${frame.position})`;
    if (!instance || !place) throw new EngineFault("mismatch", `${where}: the program has no safe point there`);
    const { values } = place.site;
    const good =
      frame.values.length === values.length && values.every((value, i) => fits(frame.values[i]!, value.type));
    if (!good) {
      const found = frame.values.map((value) => value.type).join(" ") || "none";
      const expected = values.map((value) => value.type).join(" ") || "none";
      throw new EngineFault("mismatch", `${where}: expected values ${expected}, found ${found}`);
    }
    values.forEach((value, i) => {
      this.#requireType(instance, value, frame.values[i]!, where);
    });
    return { instance, ...place };
  }

  /** @throws EngineFault "mismatch" for a function of another type than the frame has there */
  #requireType(instance: Instance, { table }: RecordValue, saved: SavedValue, where: string): void {
    if (saved.type !== "func" || this.#references.problem(saved) !== undefined) return;
    if (instance.accepts("references", table, this.#references.load(saved))) return;
    const message = `function ${saved.index} of instance ${saved.instance} does not have the type that stands there`;
    throw new EngineFault("mismatch", `${where}: ${message}`);
  }

  readonly #resident: FindReference = (instance, table, slot, type) =>
    type === "exnref" ? instance.exceptionAt(table, slot) : instance.references(table).get(slot);

  /** Those of the records that are saved now. */
  #moved: RawRecords["references"] = [];

  readonly #inMoved: FindReference = (instance, table, slot) => {
    const found = this.#moved.find((moved) => moved.instance === instance && moved.table === table);
    return found?.values[slot];
  };

  #putReference(instance: Instance, number: number, slot: number, value: unknown): void {
    if (instance.holdsExceptions(number)) {
      instance.putException(number, slot, value);
      return;
    }
    const table = instance.references(number);
    if (table.length <= slot) table.grow(slot + 64 - table.length);
    table.set(slot, value);
  }

  #writeValue(address: number, value: RecordValue, saved: SavedValue, instance: Instance): void {
    const control = this.#control;
    if (value.table < 0) return writeNumber(control.view, address + value.offset, saved);
    const slot = control.get(CONTROL.refs);
    this.#putReference(instance, value.table, slot, this.#references.load(saved));
    control.view.setInt32(address + value.offset, slot, true);
    control.set(CONTROL.refs, slot + 1);
  }
}

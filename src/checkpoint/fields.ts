// Reading the properties of parsed JSON: each is asked for by name and checked, what nobody asked for is refused.
import { damagedField, pathTo } from "./faults.ts";
import { hashLike } from "./sha256.ts";

/** The properties of one object. Every method throws CheckpointFault "damaged" with the field's path. */
export class Fields {
  readonly path: string;
  readonly #values: Map<string, unknown>;

  constructor(value: unknown, path: string) {
    if (value === null || typeof value !== "object" || Array.isArray(value))
      throw damagedField(path, value, "an object");
    this.path = path;
    this.#values = new Map(Object.entries(value));
  }

  /** A property of any type; undefined when it is absent. */
  take(key: string): unknown {
    const value = this.#values.get(key);
    this.#values.delete(key);
    return value;
  }

  has(key: string): boolean {
    return this.#values.has(key);
  }

  /** An integer from 0 to below `bound`. */
  integer(key: string, bound: number): number {
    return requireInteger(this.take(key), pathTo(this.path, key), bound);
  }

  string(key: string): string {
    const value = this.take(key);
    if (typeof value !== "string") throw damagedField(pathTo(this.path, key), value, "a string");
    return value;
  }

  hash(key: string): string {
    const value = this.take(key);
    if (!hashLike(value)) throw damagedField(pathTo(this.path, key), value, "64 hexadecimal digits");
    return value;
  }

  /** A UTC time as `2026-11-23T12:34:56.789Z`. */
  time(key: string): string {
    const value = this.take(key);
    if (!timeLike(value)) throw damagedField(pathTo(this.path, key), value, "a time such as 2026-11-23T12:34:56.789Z");
    return value;
  }

  /** A list of at most `limit` items, each read by `read`. */
  list<T>(key: string, limit: number, read: (item: unknown, path: string) => T): T[] {
    const path = pathTo(this.path, key);
    const value = this.take(key);
    if (!Array.isArray(value)) throw damagedField(path, value, "a list");
    if (value.length > limit) throw damagedField(path, `a list of ${value.length}`, `at most ${limit} items`);
    return value.map((item, i) => read(item, pathTo(path, i)));
  }

  /** An object of at most `limit` properties, each read by `read`, as entries in the order found. */
  entries<T>(key: string, limit: number, read: (item: unknown, path: string, key: string) => T): [string, T][] {
    const path = pathTo(this.path, key);
    const value = this.take(key);
    if (value === null || typeof value !== "object" || Array.isArray(value))
      throw damagedField(path, value, "an object");
    const entries = Object.entries(value);
    if (entries.length > limit) throw damagedField(path, `${entries.length} properties`, `at most ${limit}`);
    return entries.map(([name, item]) => [name, read(item, pathTo(path, name), name)]);
  }

  /** Ends the reading: a property that nobody asked for is refused. */
  done(): void {
    for (const [key, value] of this.#values) {
      throw damagedField(pathTo(this.path, key), value, "no such field in this version");
    }
  }
}

/** An integer from 0 to below `bound`. */
export function requireInteger(value: unknown, path: string, bound: number): number {
  if (!Number.isSafeInteger(value) || Object.is(value, -0) || (value as number) < 0 || (value as number) >= bound) {
    throw damagedField(path, value, bound === 1 ? "0" : `an integer from 0 to ${bound - 1}`);
  }
  return value as number;
}

/** Whether a value is a UTC time in the one form that images use. */
export function timeLike(value: unknown): value is string {
  if (typeof value !== "string" || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value)) return false;
  const time = Date.parse(value);
  return !Number.isNaN(time) && new Date(time).toISOString() === value;
}

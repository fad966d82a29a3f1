// How results look: tables for people, JSON for programs; sizes, times and ids.

import type { Io } from "./command.ts";

/** Prints one JSON value. */
export function printJson(io: Io, value: unknown): void {
  io.out(`${JSON.stringify(value, (_, item) => (typeof item === "bigint" ? String(item) : item), 2)}\n`);
}

/** Prints rows in columns that are as wide as they must be; the first row is the heading. */
export function printTable(io: Io, rows: readonly (readonly string[])[]): void {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  for (const row of rows) {
    io.out(`${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}`.trimEnd());
    io.out("\n");
  }
}

/** Bytes as people read them: `512 B`, `1.9 MiB`. */
export function toSize(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return unit === 0 ? `${bytes} B` : `${value.toFixed(1)} ${units[unit]}`;
}

/** The beginning of an id, long enough to be typed back. */
export function toShort(id: string): string {
  return id.slice(0, 12);
}

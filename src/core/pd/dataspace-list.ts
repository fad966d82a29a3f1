// The dataspaces of a component as a table: which are attached where, and what for (spec 4.2, thesis figure 5.8).
import { ROLE_BYTES, statedRole } from "../../abi/index.ts";
import { ByteDataspace, type CoreDataspace } from "../memory/dataspace.ts";
import type { CoreRegionMap, Region } from "../memory/region-map.ts";
import { STACK_SLOT_BYTES } from "./areas.ts";
import type { CorePd } from "./pd.ts";

export type Area = "address space" | "stack area" | "linker area";

/** One region, or one dataspace that is attached nowhere in this component. */
export interface DataspaceRow {
  readonly badge: number;
  /** Bytes as asked for; of managed dataspaces the size of the map. */
  readonly bytes: number;
  readonly origin: CoreDataspace["origin"];
  readonly area: Area | "none";
  /** In the area; the end is address + size. */
  readonly address: number;
  readonly end: number;
  /** Where in the dataspace the region begins. */
  readonly offset: number;
  readonly access: string;
  /** What it is for, as far as core can tell, or its program says. */
  readonly role: string;
}

export interface DataspaceListOptions {
  /** Name of the thread whose stack lies in a slot of the stack area. */
  readonly stackOwner?: (slot: number) => string | undefined;
}

/** All regions of a PD's three maps (the areas themselves left out) and its dataspaces that are in none, by badge. */
export function listDataspaces(pd: CorePd, options: DataspaceListOptions = {}): readonly DataspaceRow[] {
  const areas: readonly (readonly [Area, CoreRegionMap])[] = [
    ["address space", pd.addressSpaceMap],
    ["stack area", pd.stackAreaMap],
    ["linker area", pd.linkerAreaMap],
  ];
  const own = new Set([pd.stackAreaMap.dataspace().object, pd.linkerAreaMap.dataspace().object]);
  const rows: DataspaceRow[] = [];
  const seen = new Set<CoreDataspace>();
  for (const [area, map] of areas) {
    for (const region of map.regions.overlapping(0, map.size())) {
      if (own.has(region.dataspace)) continue;
      seen.add(region.dataspace);
      rows.push({ ...describe(region.dataspace), ...place(area, region), role: roleOf(area, region, options) });
    }
  }
  const nowhere = { area: "none", address: 0, end: 0, offset: 0, access: "", role: "not attached here" } as const;
  for (const dataspace of pd.dataspaces) if (!seen.has(dataspace)) rows.push({ ...describe(dataspace), ...nowhere });
  return rows.sort((a, b) => a.badge - b.badge || a.address - b.address);
}

function describe(dataspace: CoreDataspace): Pick<DataspaceRow, "badge" | "bytes" | "origin"> {
  const bytes = dataspace instanceof ByteDataspace ? dataspace.requestedBytes : dataspace.size();
  return { badge: dataspace.capability.badge, bytes, origin: dataspace.origin };
}

function place(area: Area, region: Region) {
  const { start, end, offset } = region;
  const writable = region.writeable && region.dataspace.writable();
  const access = `${region.hidden ? "-" : "r"}${writable ? "w" : "-"}${region.executable ? "x" : "-"}`;
  return { area, address: start, end, offset, access };
}

function roleOf(area: Area, { dataspace, end, executable }: Region, { stackOwner }: DataspaceListOptions): string {
  if (executable) return "program text";
  const own = dataspace instanceof ByteDataspace ? dataspace.ofProgram : undefined;
  if (own) return own === "data" ? "program data" : "program memory, grown";
  if (area !== "stack area") {
    if (dataspace.origin === "managed") return "region map";
    return stated(dataspace) ?? "attached by the program";
  }
  const slot = Math.floor((end - 1) / STACK_SLOT_BYTES);
  return `stack of ${stackOwner?.(slot) ?? `slot ${slot}`}`;
}

function stated(dataspace: CoreDataspace): string | undefined {
  if (dataspace.origin !== "ram") return undefined;
  const head = new Uint8Array(ROLE_BYTES);
  dataspace.read(0, head);
  return statedRole(head);
}

/** The table as text, a row a line, with a head. */
export function formatDataspaces(rows: readonly DataspaceRow[]): string {
  const cells = rows.map((row) => [
    `cap-${row.badge}`,
    String(row.bytes),
    row.origin,
    row.area,
    row.area === "none" ? "" : `0x${row.address.toString(16)}-0x${row.end.toString(16)}`,
    row.access,
    row.role,
  ]);
  const table = [["badge", "bytes", "origin", "area", "address", "access", "what it is"], ...cells];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((line) => line[column]!.length)));
  const line = (fields: readonly string[]) =>
    fields
      .map((field, column) => (column === 1 ? field.padStart(widths[1]!) : field.padEnd(widths[column]!)))
      .join("  ");
  return table.map((fields) => `${line(fields).trimEnd()}\n`).join("");
}

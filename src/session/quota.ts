// Refusals of quota and the amounts that sessions cost (spec 2.0).

/** The owner of an account has too little: bytes of RAM, or capabilities. */
export type OutOf = "out-of-ram" | "out-of-caps";

/** RAM in bytes and capabilities. */
export interface Quota {
  readonly ram: number;
  readonly caps: number;
}

export const NO_QUOTA: Quota = { ram: 0, caps: 0 };

export function addQuota(a: Quota, b: Quota): Quota {
  return { ram: a.ram + b.ram, caps: a.caps + b.caps };
}

/** Never below 0. */
export function subtractQuota(a: Quota, b: Quota): Quota {
  return { ram: Math.max(0, a.ram - b.ram), caps: Math.max(0, a.caps - b.caps) };
}

/** Why a session was not created: `insufficient-*` by the server, `out-of-*` by the client's own account. */
export type SessionRefusal = "service-denied" | "insufficient-ram-quota" | "insufficient-cap-quota" | OutOf;

/** The unit of dataspaces and attachments in bytes. */
export const PAGE_BYTES = 4096;

/** Rounds up to whole pages. */
export function toPages(sizeBytes: number): number {
  return Math.ceil(sizeBytes / PAGE_BYTES) * PAGE_BYTES;
}

/** What a client donates for a session of each service unless it says otherwise (spec 2.0, 64-bit words). */
export const DONATION = {
  PD: { ram: 192 << 10, caps: 13 },
  CPU: { ram: 36 << 10, caps: 4 },
  ROM: { ram: 6 << 10, caps: 3 },
  LOG: { ram: 8 << 10, caps: 2 },
  RM: { ram: 64 << 10, caps: 2 },
  Timer: { ram: 10 << 10, caps: 2 },
  TRACE: { ram: 2048, caps: 4 },
  IO_MEM: { ram: 6 << 10, caps: 3 },
  IO_PORT: { ram: 6 << 10, caps: 2 },
  IRQ: { ram: 6 << 10, caps: 4 },
  Report: { ram: 10 << 10, caps: 3 },
  File_system: { ram: 8 << 10, caps: 2 },
  Terminal: { ram: 8 << 10, caps: 2 },
} as const satisfies Record<string, Quota>;

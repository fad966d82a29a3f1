// File_system and Terminal sessions that guests serve: functions of their RPC objects, by opcode. WASI programs are the
// clients. Arguments and results lie in the message as those of abi/rpc.ts do; the reply's first word is an errno of
// preview1, 0 for success.
//
//   open flags     1 create, 2 exclusive, 4 truncate, 8 directory, 16 follow, 32 read, 64 write, 128 append
//   status         u32 kind (of NODE_KINDS), u64 device, inode, links, size, accessed, modified, changed (ns since 1970)
//   which          1 accessed, 2 modified: the others stay as they are
//   entries        u32 count, then for each u32 kind, u64 inode, text name: those behind the first `from`, sorted by name, as
//                  many as fit; none: there are no more
//   readiness      u32 of 1 readable, 2 writable, 4 hangup; u32 bytes that can be read

// biome-ignore format: tables, a function a line
export const FILE_SYSTEM_RPC = {
  /** -> u32 count, for each: text path, bool writable, u32 node */
  roots: 0,
  /** u32 directory, u32 flags, text path -> u32 node */
  open: 1,
  /** u32 node */
  close: 2,
  /** u32 node, u64 offset, u32 bytes -> bytes, none at the end */
  read: 3,
  /** u32 node, bool at the end, u64 offset, bytes -> u32 bytes, u64 offset behind them */
  write: 4,
  /** u32 node -> status */
  status: 5,
  /** u32 directory, bool follow, text path -> status */
  statusAt: 6,
  /** u32 node, u32 which, u64 accessed, u64 modified */
  setTimes: 7,
  /** u32 directory, bool follow, u32 which, u64 accessed, u64 modified, text path */
  setTimesAt: 8,
  /** u32 node, u64 bytes */
  setSize: 9,
  /** u32 node, bool data only */
  sync: 10,
  /** u32 directory, u32 from -> entries */
  entries: 11,
  /** u32 directory, text path */
  createDirectory: 12,
  removeDirectory: 13,
  unlink: 14,
  /** u32 from, u32 to, text path, text new path */
  rename: 15,
  /** u32 from, bool follow, u32 to, text path, text new path */
  link: 16,
  /** u32 directory, text target, text path */
  symlink: 17,
  /** u32 directory, text path -> text */
  readlink: 18,
} as const;

export const TERMINAL_RPC = {
  /** -> u32: 0 terminal, 1 pipe, 2 file */
  kind: 0,
  /** u32 bytes -> bytes, none at the end; errno "again": there are none yet */
  read: 1,
  /** bytes -> u32 bytes; errno "again": there is no room yet */
  write: 2,
  /** -> readiness */
  readiness: 3,
  /** -> u32 columns, u32 rows; errno "notty": it has none */
  size: 4,
  /** capability of a signal context, told when there is something to read or no more; the invalid one: nobody is told */
  readAvailSigh: 5,
} as const;

/** The most bytes that one read or write asks for. */
export const STREAM_PIECE_BYTES = 1000;

export const OPEN_FLAG = {
  create: 1, exclusive: 2, truncate: 4, directory: 8, follow: 16, read: 32, write: 64, append: 128,
} as const; // biome-ignore format: one line

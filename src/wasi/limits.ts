// Every bound of this layer.

/** A path in bytes, as PATH_MAX of Linux; longer ones are "nametoolong". */
export const PATH_LIMIT_BYTES = 4096;

/** Buffers in one read or write, as IOV_MAX of Linux; more are "inval". */
export const BUFFER_LIMIT = 1024;

/** Subscriptions in one poll_oneoff; more are "inval". */
export const SUBSCRIPTION_LIMIT = 65_536;

/** Open descriptors; a further one is "mfile". */
export const DESCRIPTOR_LIMIT = 65_536;

/** What the host holds for a descriptor, its path included, and for an entry of a listing that it keeps. */
export const DESCRIPTOR_BYTES = 4096;
export const LISTED_BYTES = 128;

/** Reads, writes and random bytes are moved in pieces of this size; between two of them a freeze is honoured. */
export const PIECE_BYTES = 1 << 20;

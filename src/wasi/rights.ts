// Rights of descriptors: the bits of preview1, and which of them can apply to which kind of node.

/** One bit a right, in the order of the specification. */
export const RIGHT = {
  fdDatasync: 1n << 0n,
  fdRead: 1n << 1n,
  fdSeek: 1n << 2n,
  fdFdstatSetFlags: 1n << 3n,
  fdSync: 1n << 4n,
  fdTell: 1n << 5n,
  fdWrite: 1n << 6n,
  fdAdvise: 1n << 7n,
  fdAllocate: 1n << 8n,
  pathCreateDirectory: 1n << 9n,
  pathCreateFile: 1n << 10n,
  pathLinkSource: 1n << 11n,
  pathLinkTarget: 1n << 12n,
  pathOpen: 1n << 13n,
  fdReaddir: 1n << 14n,
  pathReadlink: 1n << 15n,
  pathRenameSource: 1n << 16n,
  pathRenameTarget: 1n << 17n,
  pathFilestatGet: 1n << 18n,
  pathFilestatSetSize: 1n << 19n,
  pathFilestatSetTimes: 1n << 20n,
  fdFilestatGet: 1n << 21n,
  fdFilestatSetSize: 1n << 22n,
  fdFilestatSetTimes: 1n << 23n,
  pathSymlink: 1n << 24n,
  pathRemoveDirectory: 1n << 25n,
  pathUnlinkFile: 1n << 26n,
  pollFdReadwrite: 1n << 27n,
  sockShutdown: 1n << 28n,
  sockAccept: 1n << 29n,
} as const;

const EVERY_NODE =
  RIGHT.fdDatasync |
  RIGHT.fdFdstatSetFlags |
  RIGHT.fdSync |
  RIGHT.fdAdvise |
  RIGHT.fdFilestatGet |
  RIGHT.fdFilestatSetTimes |
  RIGHT.pollFdReadwrite;

/** What a directory descriptor can be used for itself. */
export const DIRECTORY_RIGHTS =
  EVERY_NODE |
  RIGHT.fdReaddir |
  RIGHT.pathCreateDirectory |
  RIGHT.pathCreateFile |
  RIGHT.pathLinkSource |
  RIGHT.pathLinkTarget |
  RIGHT.pathOpen |
  RIGHT.pathReadlink |
  RIGHT.pathRenameSource |
  RIGHT.pathRenameTarget |
  RIGHT.pathFilestatGet |
  RIGHT.pathFilestatSetSize |
  RIGHT.pathFilestatSetTimes |
  RIGHT.pathSymlink |
  RIGHT.pathRemoveDirectory |
  RIGHT.pathUnlinkFile;

/** What a descriptor of a file can be used for. */
export const FILE_RIGHTS =
  EVERY_NODE | RIGHT.fdRead | RIGHT.fdWrite | RIGHT.fdSeek | RIGHT.fdTell | RIGHT.fdAllocate | RIGHT.fdFilestatSetSize;

/** A device or a pipe: as a file, but it has no position (that is how programs tell a terminal). */
export const DEVICE_RIGHTS = FILE_RIGHTS & ~(RIGHT.fdSeek | RIGHT.fdTell | RIGHT.fdAllocate | RIGHT.fdFilestatSetSize);

/** What a given directory passes on at most. */
export const INHERITABLE_RIGHTS = DIRECTORY_RIGHTS | FILE_RIGHTS;

const EVERY_STREAM = RIGHT.fdFdstatSetFlags | RIGHT.fdFilestatGet | RIGHT.pollFdReadwrite;
export const INPUT_RIGHTS = EVERY_STREAM | RIGHT.fdRead;
export const OUTPUT_RIGHTS = EVERY_STREAM | RIGHT.fdWrite | RIGHT.fdSync | RIGHT.fdDatasync;
export const CONNECTION_RIGHTS = EVERY_STREAM | RIGHT.fdRead | RIGHT.fdWrite | RIGHT.sockShutdown;
export const LISTENER_RIGHTS = EVERY_STREAM | RIGHT.fdRead | RIGHT.sockAccept | RIGHT.sockShutdown;

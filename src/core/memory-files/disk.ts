// What memory volumes need beneath: the part of Node's fs API that memfs provides. Paths never lead through links.

export interface DiskStatus {
  readonly ino: number;
  readonly nlink: number;
  readonly size: number;
  isFile(): boolean;
  isDirectory(): boolean;
  isSymbolicLink(): boolean;
}

/** An empty disk of its own; calls throw errors with a system error's `code`. */
export interface Disk {
  openSync(path: string, flags: number): number;
  closeSync(fd: number): void;
  readSync(fd: number, buffer: Uint8Array, offset: number, length: number, position: number): number;
  writeSync(fd: number, buffer: Uint8Array, offset: number, length: number, position: number): number;
  ftruncateSync(fd: number, length: number): void;
  fstatSync(fd: number): DiskStatus;
  lstatSync(path: string): DiskStatus;
  readdirSync(path: string): unknown[];
  mkdirSync(path: string): void;
  rmdirSync(path: string): void;
  unlinkSync(path: string): void;
  renameSync(from: string, to: string): void;
  linkSync(from: string, to: string): void;
  symlinkSync(target: string, path: string): void;
  readlinkSync(path: string): unknown;
}

/** Open flags as memfs has them: Linux's. */
export const DISK_FLAGS = { readWrite: 0o2, create: 0o100, exclusive: 0o200, noFollow: 0o400000 } as const;

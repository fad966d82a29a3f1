// Stores of images: pages and manifests by hash, roots that publish them. What needs Node is in index-node.ts.
export { type DirectoryHost, type DirectoryOptions, openDirectory } from "./directory.ts";
export { StoreFault } from "./faults.ts";
export type { FileOperations, NewFile, OpenFile } from "./files.ts";
export { exportImage, IMAGE_FILE_VERSION, importImage } from "./image-file.ts";
export {
  type LoadedImage,
  loadCheckpoint,
  openImage,
  type SavedImage,
  type SaveOptions,
  saveCheckpoint,
} from "./images.ts";
export { type MemoryStoreOptions, openMemoryStore } from "./memory.ts";
export type * from "./types.ts";

// ROM modules and sessions.
export { RomModule, RomModules } from "./module.ts";
export { BootRom, CoreRom, type SavedRom } from "./session.ts";
export { type RomSource, Watched } from "./source.ts";

// Text of ROM sessions, for components in TypeScript.
import { contentOf, type Dataspace, objectOf, type RomSession } from "../session/index.ts";
import { textOfModule } from "./config/xml.ts";

/** The module's present text; undefined: there is none. */
export function readRom(rom: RomSession): string | undefined {
  rom.update();
  const dataspace = objectOf<Dataspace>(rom.dataspace(), "dataspace");
  return dataspace && textOfModule(contentOf(dataspace));
}

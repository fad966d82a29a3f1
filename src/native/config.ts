// The configuration of a native component: its ROM module "config", read again whenever it changes.
import { writeLine } from "../core/index.ts";
import { textOfModule, tryXml, type XmlNode } from "../init/index.ts";
import { contentOf, type Dataspace, DONATION, type Env, objectOf, type RomSession } from "../session/index.ts";
import type { Connections } from "./connections.ts";

/** What is used until there is a configuration, or when there is none. */
const EMPTY = "<config/>";

/**
 * Calls `changed` with the root element: once at least, with an empty one if there is no module, and at each change.
 * What cannot be read leaves the configuration before in force.
 */
export function watchConfig(env: Env, connections: Connections, changed: (config: XmlNode) => void): void {
  const take = (text: string) => {
    const root = tryXml(text);
    if (root.ok) changed(root.value);
    else writeLine(env.log, "warning: the configuration is no XML, the one before stays in force");
  };
  const read = (rom: RomSession) => {
    rom.update();
    const module = objectOf<Dataspace>(rom.dataspace(), "dataspace");
    take(module ? textOfModule(contentOf(module)) : EMPTY);
  };
  connections.open(
    { service: "ROM", label: "config", donation: DONATION.ROM },
    {
      ready: (capability) => {
        const rom = objectOf<RomSession>(capability, "rom");
        if (!rom) return take(EMPTY);
        rom.sigh(env.signalHandler(() => read(rom)).context);
        read(rom);
      },
      refused: () => take(EMPTY),
    },
  );
}

/** A flag of an element: yes, true and 1, or no, false and 0. */
export function flagOf(node: XmlNode, name: string, otherwise = false): boolean {
  const value = node.attributes.get(name)?.toLowerCase();
  if (value === undefined) return otherwise;
  return value === "yes" || value === "true" || value === "1";
}

/** Whether the label conditions of a policy hold: `label`, `label_prefix`, `label_suffix`, those that are there. */
export function labelMatches({ attributes }: XmlNode, label: string): boolean {
  const equal = attributes.get("label") ?? label;
  const prefix = attributes.get("label_prefix") ?? "";
  const suffix = attributes.get("label_suffix") ?? "";
  const conditions = ["label", "label_prefix", "label_suffix"].some((name) => attributes.has(name));
  return conditions && equal === label && label.startsWith(prefix) && label.endsWith(suffix);
}

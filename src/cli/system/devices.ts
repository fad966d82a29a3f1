// The devices of a system, as a file names them:
//
//   <devices>
//     <serial-16550 name="com1" base="0x3f8" irq="4"/>
//   </devices>
import type { DeviceSpec } from "../../core/index.ts";
import { tryXml } from "../../init/index.ts";
import { CliFailure, EXIT } from "../failure.ts";
import { readInputText } from "../files.ts";

/** @throws CliFailure when the file is no such list; whether the devices can be made is found out at the start */
export function readDevices(file: string | undefined): readonly DeviceSpec[] {
  if (file === undefined) return [];
  const root = tryXml(readInputText(file));
  if (!root.ok || root.value.name !== "devices") {
    throw new CliFailure(EXIT.failed, `${file}: expected XML with a root element <devices>`);
  }
  return root.value.children.map(({ name, attributes }) => ({ model: name, attributes }));
}

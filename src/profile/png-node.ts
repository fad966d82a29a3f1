// SVG -> PNG, with a font that comes along: the same picture on every machine.
import { createRequire } from "node:module";
import { Resvg } from "@resvg/resvg-js";

const FONT = createRequire(import.meta.url).resolve("dejavu-fonts-ttf/ttf/DejaVuSans.ttf");

/** @param width pixels */
export function toPng(svg: string, width = 1600): Uint8Array {
  const font = { loadSystemFonts: false, fontFiles: [FONT], defaultFontFamily: "DejaVu Sans" };
  return new Resvg(svg, { font, fitTo: { mode: "width", value: width } }).render().asPng();
}

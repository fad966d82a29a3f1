// Writes XML: reports and the `session_requests` ROM.

export type XmlValue = string | number | boolean;
export type XmlAttributes = Readonly<Record<string, XmlValue | undefined>>;

/** An element to be written; attributes that are undefined are left out. */
export interface XmlOut {
  readonly name: string;
  readonly attributes?: XmlAttributes;
  readonly children?: readonly XmlOut[];
  /** Text content, instead of children. */
  readonly text?: string;
}

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
  "\n": "&#10;",
  "\t": "&#9;",
  "\r": "&#13;",
};

/** Text for attributes and content; characters that XML cannot carry become `?`. */
export function escapeXml(text: string): string {
  return (
    text
      .toWellFormed()
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what XML forbids
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "?")
      .replace(/[&<>"'\n\t\r]/g, (char) => ESCAPES[char]!)
  );
}

/** The element and all below, an element a line, indented with tabs as Genode does, ending with a line feed. */
export function writeXml(element: XmlOut, indent = ""): string {
  const { name, attributes = {}, children = [], text } = element;
  const start = `${indent}<${name}${attributesOf(attributes)}`;
  if (text !== undefined) return `${start}>${escapeXml(text)}</${name}>\n`;
  if (children.length === 0) return `${start}/>\n`;
  return `${start}>\n${children.map((child) => writeXml(child, `${indent}\t`)).join("")}${indent}</${name}>\n`;
}

function attributesOf(attributes: XmlAttributes): string {
  return Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}="${escapeXml(typeof value === "boolean" ? yesNo(value) : String(value))}"`)
    .join("");
}

function yesNo(value: boolean): string {
  return value ? "yes" : "no";
}

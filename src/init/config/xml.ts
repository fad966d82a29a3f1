// XML as init reads it: elements with their attributes and positions. Owns the one use of the parser package; knows
// nothing of init's configuration (schema.ts).
import { parseXml, type XmlElement, XmlError } from "@rgrove/parse-xml";
import { type Attempt, Fault, success } from "../../util/index.ts";

/** Largest document in characters. */
export const XML_LIMIT = 1 << 20;
/** Deepest nesting of elements. */
export const XML_DEPTH_LIMIT = 200;

/** Both count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** A document that is no XML; the message names no file. */
export class XmlFault extends Fault<"malformed-xml"> {
  readonly position: Position;

  constructor(message: string, position: Position, cause?: unknown) {
    super("malformed-xml", message, { ...position }, cause);
    this.position = position;
  }
}

/** One element. Text between elements is not kept apart: `source` has it. */
export class XmlNode {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly XmlNode[];
  /** All text directly inside, entities resolved. */
  readonly text: string;
  readonly #document: string;
  readonly #start: number;
  readonly #end: number;

  /** @internal Made by `readXml`. */
  constructor(element: XmlElement, document: string) {
    this.name = element.name;
    this.attributes = new Map(Object.entries(element.attributes));
    this.#document = document;
    this.#start = element.start;
    this.#end = element.end;
    const children: XmlNode[] = [];
    let text = "";
    for (const child of element.children) {
      if (child.type === "element") children.push(new XmlNode(child as XmlElement, document));
      else if ("text" in child) text += child.text;
    }
    this.children = children;
    this.text = text;
  }

  /** Where it begins in the document, in characters. */
  get offset(): number {
    return this.#start;
  }

  /** The element as it was written. */
  get source(): string {
    return this.#document.slice(this.#start, Number.isFinite(this.#end) ? this.#end : undefined).trimEnd();
  }

  get position(): Position {
    return positionOf(this.#document, this.#start);
  }

  /** Where an attribute's name stands; the element's position if it has none of that name. */
  positionOfAttribute(name: string): Position {
    const attribute = /\s+([^\s=]+)\s*=\s*(?:"[^"]*"|'[^']*')/y;
    attribute.lastIndex = this.#start + 1 + this.name.length;
    for (let found = attribute.exec(this.#document); found; found = attribute.exec(this.#document)) {
      if (found[1] === name) return positionOf(this.#document, found.index + found[0].indexOf(name));
    }
    return this.position;
  }

  child(name: string): XmlNode | undefined {
    return this.children.find((child) => child.name === name);
  }

  childrenNamed(name: string): readonly XmlNode[] {
    return this.children.filter((child) => child.name === name);
  }
}

function positionOf(document: string, offset: number): Position {
  const before = document.slice(0, offset);
  const lineStart = before.lastIndexOf("\n") + 1;
  return { line: before.split("\n").length, column: offset - lineStart + 1 };
}

/** The root element of a document. @throws XmlFault when it is malformed, too long or nested too deeply */
export function readXml(text: string): XmlNode {
  const document = text.replace(/^\uFEFF/, "").replace(/\r\n?/g, "\n");
  if (document.length > XML_LIMIT) {
    throw new XmlFault(`${document.length} characters, at most ${XML_LIMIT} are read`, { line: 1, column: 1 });
  }
  refuseDepth(document);
  try {
    const { root } = parseXml(document, { includeOffsets: true });
    if (root) return new XmlNode(root, document);
  } catch (error) {
    if (!(error instanceof XmlError)) throw error;
    const [message] = error.message.split(` (line ${error.line}, column`);
    throw new XmlFault(lowerFirst(message!), { line: error.line, column: error.column }, error);
  }
  throw new XmlFault("no element found, expected <config>", { line: 1, column: 1 });
}

/** As `readXml`, with the fault as a refusal, for documents that others send. */
export function tryXml(text: string): Attempt<XmlNode, "malformed-xml"> {
  try {
    return success(readXml(text));
  } catch (error) {
    if (error instanceof XmlFault) return { ok: false, reason: error.code };
    throw error;
  }
}

const TAG = /<!--[\s\S]*?-->|<!\[CDATA\[[\s\S]*?\]\]>|<[^!?](?:[^"'>]|"[^"]*"|'[^']*')*>/g;

/** Keeps the parser's recursion bounded. */
function refuseDepth(document: string): void {
  let depth = 0;
  for (const { 0: tag, index } of document.matchAll(TAG)) {
    if (tag.startsWith("<!") || tag.endsWith("/>")) continue;
    depth += tag.startsWith("</") ? -1 : 1;
    if (depth <= XML_DEPTH_LIMIT) continue;
    throw new XmlFault(`elements nested deeper than ${XML_DEPTH_LIMIT}`, positionOf(document, index));
  }
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

/** Text of a ROM module: UTF-8, what stands behind the first zero byte cut off. */
export function textOfModule(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

// Schemas of XML documents as data, and the check of a document against one. Knows no particular document: init's own
// schema is init-schema.ts.
//
// A finding says where, what was found and what is allowed. Whether it stops anything is the caller's decision: a
// running init tolerates (S49), `rtcr run system.xml` refuses.
import { readNumber } from "../../session/index.ts";
import type { Position, XmlNode } from "./xml.ts";

export type AttributeType =
  | { readonly is: "text"; readonly limit?: number }
  | { readonly is: "bool" }
  /** A number, with K, M or G if `units`; decimal or hexadecimal. */
  | { readonly is: "number"; readonly min: number; readonly max: number; readonly units?: boolean }
  | { readonly is: "one-of"; readonly values: readonly string[] };

export interface AttributeSchema {
  readonly type: AttributeType;
  readonly required?: boolean;
}

export interface ElementSchema {
  /** "anything": neither attributes nor content are looked at. */
  readonly attributes: Readonly<Record<string, AttributeSchema>> | "anything";
  readonly children: Readonly<Record<string, ChildSchema>>;
  /** One sentence for people; `docs` are generated from it. */
  readonly about: string;
}

export interface ChildSchema {
  readonly element: ElementSchema;
  /** At most one of it if false. */
  readonly many: boolean;
}

export interface Finding {
  readonly position: Position;
  /** Lower case, names the element, what was found and what is allowed. */
  readonly message: string;
}

/** All deviations of a document from a schema, in the document's order. */
export function checkElement(node: XmlNode, schema: ElementSchema): readonly Finding[] {
  if (schema.attributes === "anything") return [];
  const findings = [...checkAttributes(node, schema.attributes)];
  const seen = new Set<string>();
  for (const child of node.children) {
    const known = own(schema.children, child.name);
    if (!known) {
      const allowed = listed(Object.keys(schema.children), "<", ">");
      const message = `unknown element <${child.name}> in <${node.name}>, allowed: ${allowed || "none"}`;
      findings.push({ position: child.position, message: message + suggest(child.name, Object.keys(schema.children)) });
      continue;
    }
    if (seen.has(child.name) && !known.many) {
      const message = `a second <${child.name}> in <${node.name}>, only one is allowed`;
      findings.push({ position: child.position, message });
    }
    seen.add(child.name);
    findings.push(...checkElement(child, known.element));
  }
  return findings;
}

function* checkAttributes(node: XmlNode, schemas: Readonly<Record<string, AttributeSchema>>): Generator<Finding> {
  const names = Object.keys(schemas);
  for (const [name, value] of node.attributes) {
    const position = node.positionOfAttribute(name);
    const schema = own(schemas, name);
    if (!schema) {
      const message = `unknown attribute "${name}" of <${node.name}>, allowed: ${names.join(", ") || "none"}`;
      yield { position, message: message + suggest(name, names) };
      continue;
    }
    if (!fits(value, schema.type)) {
      yield {
        position,
        message: `<${node.name} ${name}="${value}">: expected ${describeType(schema.type)}`,
      };
    }
  }
  for (const name of names) {
    if (schemas[name]!.required && !node.attributes.has(name)) {
      const expected = describeType(schemas[name]!.type);
      yield { position: node.position, message: `<${node.name}> has no attribute "${name}", expected ${expected}` };
    }
  }
}

/** Whether a value is one of its type. */
export function fits(value: string, type: AttributeType): boolean {
  switch (type.is) {
    case "text":
      return value.length <= (type.limit ?? Infinity) && value !== "";
    case "bool":
      return /^(yes|true|1|no|false|0)$/i.test(value);
    case "one-of":
      return type.values.includes(value);
    case "number": {
      const number = readSigned(value, type.units ?? false);
      return number !== undefined && number >= type.min && number <= type.max;
    }
  }
}

/** A decimal or hexadecimal number with sign and, if `units`, K, M or G; undefined if it is none. */
export function readSigned(value: string, units: boolean): number | undefined {
  const negative = value.startsWith("-");
  const digits = negative ? value.slice(1) : value;
  if (!units && /[KMG]$/.test(digits)) return undefined;
  const number = readNumber(digits);
  return number !== undefined && negative && number !== 0 ? -number : number;
}

/** What a value has to be, for messages. */
export function describeType(type: AttributeType): string {
  switch (type.is) {
    case "text":
      return type.limit ? `text of 1 to ${type.limit} characters` : "text that is not empty";
    case "bool":
      return "yes or no";
    case "one-of":
      return `one of ${type.values.join(", ")}`;
    case "number": {
      const range = type.max === Number.MAX_SAFE_INTEGER ? `from ${type.min}` : `from ${type.min} to ${type.max}`;
      return `a number ${range}${type.units ? ", K, M or G may follow" : ""}`;
    }
  }
}

function listed(names: readonly string[], open: string, close: string): string {
  return names.map((name) => open + name + close).join(", ");
}

/** Own properties only: names come from the document. */
function own<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

function suggest(found: string, names: readonly string[]): string {
  const near = names.find((name) => distance(found.toLowerCase(), name) <= (name.length > 4 ? 2 : 1));
  return near ? `; did you mean ${near}?` : "";
}

/** Edits between two short words (Levenshtein); words of very different length are just far. */
function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 2) return 3;
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length]!;
}

// XML as components meet it in ROM modules: elements, attributes, text, as guest/cpp/src/xml.cpp reads it. What is
// malformed is no node. Nodes and texts are allocated.

function isSpace(code: i32): bool {
  return code == 0x20 || (code >= 9 && code <= 13);
}

/** Behind the name that begins at `at`. */
function nameEnd(text: string, at: i32, end: i32): i32 {
  for (; at < end; at++) {
    const code = text.charCodeAt(at);
    if (isSpace(code) || code == 0x2f || code == 0x3e || code == 0x3d || code == 0x3c) break;
  }
  return at;
}

/** The bracket that ends the tag which begins at `at`; quotes may hold brackets. `end` if there is none. */
function tagEnd(text: string, at: i32, end: i32): i32 {
  let quote = 0;
  for (; at < end; at++) {
    const code = text.charCodeAt(at);
    if (quote) {
      if (code == quote) quote = 0;
    } else if (code == 0x3e) return at;
    else if (code == 0x22 || code == 0x27) quote = code;
  }
  return end;
}

/** The next `<` of an element's tag: behind comments, declarations and text. `end` if there is none. */
function nextTag(text: string, at: i32, end: i32): i32 {
  for (; at < end; at++) {
    if (text.charCodeAt(at) != 0x3c) continue;
    const next = text.charCodeAt(at + 1);
    if (text.startsWith("<!--", at)) {
      const close = text.indexOf("-->", at);
      if (close < 0) return end;
      at = close + 2;
    } else if (next == 0x3f || next == 0x21) at = tagEnd(text, at, end);
    else return at;
  }
  return end;
}

function decode(text: string): string {
  if (text.indexOf("&") < 0) return text;
  return text
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&apos;", "'")
    .replaceAll("&amp;", "&");
}

/** An element; `valid` is false if there is none. */
export class XmlNode {
  private tag: i32 = 0;
  private tagEnd: i32 = 0;
  private content: i32 = 0;
  private contentEnd: i32 = 0;
  /** Behind the node. */
  private behind: i32 = 0;
  private end: i32 = 0;

  /** The first element of `source` from `at` up to `end`; -1: to its end. */
  constructor(
    private source: string,
    at: i32 = 0,
    end: i32 = -1,
  ) {
    this.end = end < 0 ? source.length : end;
    this.open(at);
  }

  private open(at: i32): void {
    const source = this.source;
    const end = this.end;
    const begin = nextTag(source, at, end);
    const close = tagEnd(source, begin, end);
    if (close == end || source.charCodeAt(begin + 1) == 0x2f) return;
    const empty = source.charCodeAt(close - 1) == 0x2f;
    this.content = this.contentEnd = this.behind = close + 1;
    if (!empty && !this.findEnd()) return;
    this.tag = begin + 1;
    this.tagEnd = empty ? close - 1 : close;
  }

  /** Finds the end tag of the same depth. */
  private findEnd(): bool {
    let depth = 1;
    for (let at = this.content; at < this.end; ) {
      const inner = nextTag(this.source, at, this.end);
      const close = tagEnd(this.source, inner, this.end);
      if (close == this.end) return false;
      if (this.source.charCodeAt(inner + 1) == 0x2f) depth--;
      else if (this.source.charCodeAt(close - 1) != 0x2f) depth++;
      at = close + 1;
      if (depth) continue;
      this.contentEnd = inner;
      this.behind = at;
      return true;
    }
    return false;
  }

  get valid(): bool {
    return this.tag > 0;
  }
  get type(): string {
    return this.source.substring(this.tag, nameEnd(this.source, this.tag, this.tagEnd));
  }
  has(name: string): bool {
    return this.valueOf(name) !== null;
  }
  /** Entities decoded. */
  attribute(name: string, otherwise: string = ""): string {
    const value = this.valueOf(name);
    return value === null ? otherwise : decode(value);
  }
  /** Decimal or 0x, with K, M, G. */
  number(name: string, otherwise: u64): u64 {
    const value = this.valueOf(name);
    return value === null || !value.length ? otherwise : numberOf(value, otherwise);
  }
  flag(name: string, otherwise: bool): bool {
    const value = this.attribute(name);
    if (value == "yes" || value == "true" || value == "1") return true;
    return value == "no" || value == "false" || value == "0" ? false : otherwise;
  }
  /** Between the tags, entities decoded. */
  get text(): string {
    return decode(this.source.substring(this.content, this.contentEnd));
  }
  get first(): XmlNode {
    return new XmlNode(this.source, this.content, this.contentEnd);
  }
  /** The next element of the same parent. */
  get next(): XmlNode {
    return new XmlNode(this.source, this.behind, this.end);
  }
  subNode(type: string): XmlNode {
    let node = this.first;
    while (node.valid && node.type != type) node = node.next;
    return node;
  }

  /** Undecoded. */
  private valueOf(name: string): string | null {
    const source = this.source;
    for (let at = nameEnd(source, this.tag, this.tagEnd); at < this.tagEnd; at++) {
      while (at < this.tagEnd && isSpace(source.charCodeAt(at))) at++;
      const begin = at;
      const end = nameEnd(source, at, this.tagEnd);
      at = end;
      while (at < this.tagEnd && (isSpace(source.charCodeAt(at)) || source.charCodeAt(at) == 0x3d)) at++;
      const quote = source.charCodeAt(at);
      if (begin == end || at >= this.tagEnd || (quote != 0x22 && quote != 0x27)) return null;
      const value = ++at;
      while (at < this.tagEnd && source.charCodeAt(at) != quote) at++;
      if (source.substring(begin, end) == name) return source.substring(value, at);
    }
    return null;
  }
}

function numberOf(text: string, otherwise: u64): u64 {
  const radix: u32 = text.startsWith("0x") || text.startsWith("0X") ? 16 : 10;
  let number: u64 = 0;
  for (let at = radix == 16 ? 2 : 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    const lower = code | 32;
    const digit: u32 = code >= 48 && code <= 57 ? code - 48 : lower >= 97 && lower <= 102 ? lower - 87 : 99;
    if (digit < radix) number = number * radix + digit;
    else if (at + 1 == text.length && (code == 0x4b || code == 0x4d || code == 0x47)) {
      number <<= code == 0x4b ? 10 : code == 0x4d ? 20 : 30;
    } else return otherwise;
  }
  return number;
}

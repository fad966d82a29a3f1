#include "rtcr/xml.h"

namespace Rtcr {

namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_name(char c) { return !is_space(c) && c != '/' && c != '>' && c != '=' && c != '<' && c; }

Text from(Text text, size_t at) { return at < text.length ? Text(text.start + at, text.length - at) : Text(); }

/** Where `what` begins in `text`, its length if nowhere. */
size_t find(Text text, Text what) {
  for (size_t at = 0; at + what.length <= text.length; at++)
    if (!memcmp(text.start + at, what.start, what.length)) return at;
  return text.length;
}

/** The end of the tag that begins at `text`, the bracket excluded; quotes may hold brackets. */
size_t end_of_tag(Text text) {
  char quote = 0;
  for (size_t at = 0; at < text.length; at++) {
    const char c = text.start[at];
    if (quote ? c == quote : c == '>') {
      if (!quote) return at;
      quote = 0;
    } else if (!quote && (c == '"' || c == '\'')) quote = c;
  }
  return text.length;
}

/** Behind comments, declarations and text: at the next `<` of an element's tag; the length if there is none. */
size_t next_tag(Text text) {
  for (size_t at = 0; at < text.length; at++) {
    if (text.start[at] != '<') continue;
    const Text rest = from(text, at);
    if (rest.length >= 4 && !memcmp(rest.start, "<!--", 4)) at += find(rest, "-->") + 2;
    else if (rest.length >= 2 && (rest.start[1] == '?' || rest.start[1] == '!')) at += end_of_tag(rest);
    else return at;
  }
  return text.length;
}

size_t length_of_name(Text text) {
  size_t at = 0;
  while (at < text.length && is_name(text.start[at])) at++;
  return at;
}

struct Entity {
  Text name;
  const char *value;
};
constexpr Entity ENTITIES[] = {{"&lt;", "<"}, {"&gt;", ">"}, {"&amp;", "&"}, {"&quot;", "\""}, {"&apos;", "'"}};

Text_buffer decode(Text text) {
  Text_buffer decoded;
  for (size_t at = 0; at < text.length;) {
    Text piece(text.start + at, 1);
    size_t used = 1;
    for (const Entity &entity : ENTITIES) {
      if (text.length - at < entity.name.length || memcmp(text.start + at, entity.name.start, entity.name.length)) continue;
      piece = Text(entity.value, 1);
      used = entity.name.length;
    }
    decoded.append(piece);
    at += used;
  }
  return decoded;
}

} // namespace

Xml_node::Xml_node(Text text) {
  const Text at = from(text, next_tag(text));
  if (at.length < 2 || at.start[1] == '/') return;
  const size_t end = end_of_tag(at);
  if (end == at.length) return;
  const bool empty = at.start[end - 1] == '/';
  const Text tag(at.start + 1, end - 1 - (empty ? 1 : 0));
  const Text behind = from(at, end + 1);
  if (empty) {
    _tag = tag;
    _rest = behind;
    return;
  }
  // the end tag of the same depth
  u32 depth = 1;
  for (Text rest = behind; rest.length;) {
    const Text inner = from(rest, next_tag(rest));
    const size_t inner_end = end_of_tag(inner);
    if (inner.length < 2 || inner_end == inner.length) return;
    if (inner.start[1] == '/') depth--;
    else if (inner.start[inner_end - 1] != '/') depth++;
    rest = from(inner, inner_end + 1);
    if (depth) continue;
    _tag = tag;
    _content = Text(behind.start, size_t(inner.start - behind.start));
    _rest = rest;
    return;
  }
}

Text Xml_node::type() const { return {_tag.start, length_of_name(_tag)}; }

bool Xml_node::_attribute(Text name, Text &value) const {
  size_t at = length_of_name(_tag);
  while (at < _tag.length) {
    while (at < _tag.length && is_space(_tag.start[at])) at++;
    const Text key(_tag.start + at, length_of_name(from(_tag, at)));
    at += key.length;
    while (at < _tag.length && (is_space(_tag.start[at]) || _tag.start[at] == '=')) at++;
    if (!key.length || at >= _tag.length || (_tag.start[at] != '"' && _tag.start[at] != '\'')) return false;
    const char quote = _tag.start[at++];
    const size_t begin = at;
    while (at < _tag.length && _tag.start[at] != quote) at++;
    value = Text(_tag.start + begin, at - begin);
    at++;
    if (key == name) return true;
  }
  return false;
}

bool Xml_node::has_attribute(Text name) const {
  Text value;
  return _attribute(name, value);
}

Text_buffer Xml_node::attribute(Text name, Text otherwise) const {
  Text value;
  return _attribute(name, value) ? decode(value) : Text_buffer(otherwise);
}

u64 Xml_node::attribute_value(Text name, u64 otherwise) const {
  Text value;
  if (!_attribute(name, value) || !value.length) return otherwise;
  const bool hex = value.length > 2 && value.start[0] == '0' && (value.start[1] | 32) == 'x';
  u64 number = 0;
  for (size_t at = hex ? 2 : 0; at < value.length; at++) {
    const char c = value.start[at];
    const u32 digit = c >= '0' && c <= '9' ? u32(c - '0') : (c | 32) >= 'a' && (c | 32) <= 'f' ? u32((c | 32) - 'a') + 10 : 99;
    if (digit < (hex ? 16u : 10u)) number = number * (hex ? 16 : 10) + digit;
    else if (at + 1 == value.length && (c == 'K' || c == 'M' || c == 'G'))
      number <<= c == 'K' ? 10 : c == 'M' ? 20 : 30;
    else return otherwise;
  }
  return number;
}

bool Xml_node::attribute_bool(Text name, bool otherwise) const {
  const Text_buffer value = attribute(name);
  if (value == "yes" || value == "true" || value == "1") return true;
  return value == "no" || value == "false" || value == "0" ? false : otherwise;
}

Text_buffer Xml_node::text() const { return decode(_content); }

Xml_node Xml_node::sub_node(Text type) const {
  for (Xml_node node = first(); node.valid(); node = node.next())
    if (node.has_type(type)) return node;
  return {};
}

} // namespace Rtcr

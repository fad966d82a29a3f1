// XML as components meet it in ROM modules: elements, attributes, text. A reader without memory of its own; what is
// malformed ends the node early. No name spaces, no processing beyond the five entities.
#pragma once
#include "base.h"

namespace Rtcr {

class Xml_node {
  Text _tag;     // between < and >
  Text _content; // between the tags
  Text _rest;    // behind the node

  /** Undecoded. */
  bool _attribute(Text name, Text &value) const;

 public:
  /** The first element in the text. */
  explicit Xml_node(Text text);
  Xml_node() = default;

  bool valid() const { return _tag.length != 0; }
  Text type() const;
  bool has_type(Text name) const { return type() == name; }
  bool has_attribute(Text name) const;
  /** Entities decoded; empty if the attribute is absent. */
  Text_buffer attribute(Text name, Text otherwise = {}) const;
  /** Decimal or 0x, with K, M, G. */
  u64 attribute_value(Text name, u64 otherwise) const;
  bool attribute_bool(Text name, bool otherwise) const;
  /** The text between the tags, entities decoded. */
  Text_buffer text() const;
  Xml_node first() const { return Xml_node(_content); }
  /** The next element of the same parent. */
  Xml_node next() const { return Xml_node(_rest); }
  Xml_node sub_node(Text type) const;
  template <typename F> void for_each_sub_node(F &&handle) const {
    for (Xml_node node = first(); node.valid(); node = node.next()) handle(node);
  }
};

} // namespace Rtcr

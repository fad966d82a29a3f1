// Servers of files: the object behind a File_system session, which WASI programs are the clients of (docs/GUEST-ABI.md,
// streams). A server derives from Session and says what the functions do; here is how they come and go in messages.
#pragma once
#include "rpc.h"
#include <rtcr/streams.h>

namespace Rtcr::File_system {

using Node = u32;

struct Status {
  /** One of Abi::NODE_... */
  u32 kind = Abi::NODE_UNKNOWN;
  u64 device = 0, inode = 0, links = 0, size = 0;
  /** Nanoseconds since 1970. */
  u64 accessed = 0, modified = 0, changed = 0;
};

struct Entry {
  u32 kind;
  u64 inode;
  Text name;
};

/** Texts and bytes of a request lie in its message; those of a reply must stay until the function has returned. */
class Session : public Rpc_object {
 public:
  u32 dispatch(u32 opcode, Rpc_request &request) final;

 protected:
  /** The directory that the client sees, and how it calls it. */
  virtual Node root() = 0;
  virtual Text root_path() = 0;
  /** @param flags Abi::OPEN_... */
  virtual Errno open(Node directory, Text path, u32 flags, Node &node) = 0;
  virtual Errno close(Node) = 0;
  virtual Errno read(Node, u64 offset, u32 most, Text &bytes) = 0;
  /** @param at_end `offset` does not count @param offset becomes the one behind what was written */
  virtual Errno write(Node, Text bytes, bool at_end, u64 &offset, u32 &written) = 0;
  virtual Errno status(Node, Status &) = 0;
  virtual Errno status_at(Node directory, Text path, bool follow, Status &) = 0;
  /** @param path of a node below it; none: of the node itself @param which 1 accessed, 2 modified */
  virtual Errno set_times(Node, const Text *path, bool follow, u32 which, u64 accessed, u64 modified) = 0;
  virtual Errno set_size(Node, u64 size) = 0;
  virtual Errno sync(Node, bool) { return Errno::SUCCESS; }
  /** The entry of this number, sorted by name. @returns NOENT behind the last */
  virtual Errno entry(Node directory, u32 number, Entry &) = 0;
  virtual Errno create_directory(Node directory, Text path) = 0;
  virtual Errno remove_directory(Node directory, Text path) = 0;
  virtual Errno unlink(Node directory, Text path) = 0;
  virtual Errno rename(Node from, Text path, Node to, Text new_path) = 0;
  virtual Errno link(Node, Text, bool, Node, Text) { return Errno::NOTSUP; }
  virtual Errno symlink(Text, Node, Text) { return Errno::NOTSUP; }
  virtual Errno readlink(Node, Text, Text &) { return Errno::INVAL; }

 private:
  static u32 _fail(Rpc_request &request, Errno errno) { return request.fail(u32(errno) - 1); }
  static u32 _done(Rpc_request &request, Errno errno) {
    return errno == Errno::SUCCESS ? request.reply() : _fail(request, errno);
  }
  static u32 _status(Rpc_request &request, Errno errno, const Status &status);
  u32 _open(Rpc_request &);
  u32 _read(Rpc_request &);
  u32 _write(Rpc_request &);
  u32 _times(Rpc_request &, bool by_path);
  u32 _entries(Rpc_request &);
  u32 _names(u32 opcode, Rpc_request &);
};

inline u32 Session::dispatch(u32 opcode, Rpc_request &request) {
  Status found;
  switch (opcode) {
  case Abi::FILE_SYSTEM_ROOTS: return request.reply(u32(1), root_path(), true, root());
  case Abi::FILE_SYSTEM_OPEN: return _open(request);
  case Abi::FILE_SYSTEM_CLOSE: return _done(request, close(request.get<Node>()));
  case Abi::FILE_SYSTEM_READ: return _read(request);
  case Abi::FILE_SYSTEM_WRITE: return _write(request);
  case Abi::FILE_SYSTEM_STATUS: {
    const Errno errno = status(request.get<Node>(), found);
    return _status(request, errno, found);
  }
  case Abi::FILE_SYSTEM_STATUS_AT: {
    const Node directory = request.get<Node>();
    const bool follow = request.get<bool>();
    const Errno errno = status_at(directory, request.get<Text>(), follow, found);
    return _status(request, errno, found);
  }
  case Abi::FILE_SYSTEM_SET_TIMES: return _times(request, false);
  case Abi::FILE_SYSTEM_SET_TIMES_AT: return _times(request, true);
  case Abi::FILE_SYSTEM_SET_SIZE: {
    const Node node = request.get<Node>();
    return _done(request, set_size(node, request.get<u64>()));
  }
  case Abi::FILE_SYSTEM_SYNC: {
    const Node node = request.get<Node>();
    return _done(request, sync(node, request.get<bool>()));
  }
  case Abi::FILE_SYSTEM_ENTRIES: return _entries(request);
  default: return _names(opcode, request);
  }
}

inline u32 Session::_status(Rpc_request &request, Errno errno, const Status &found) {
  if (errno != Errno::SUCCESS) return _fail(request, errno);
  return request.reply(found.kind, found.device, found.inode, found.links, found.size, found.accessed, found.modified,
                       found.changed);
}

inline u32 Session::_open(Rpc_request &request) {
  const Node directory = request.get<Node>();
  const u32 flags = request.get<u32>();
  Node node = 0;
  const Errno errno = open(directory, request.get<Text>(), flags, node);
  return errno == Errno::SUCCESS ? request.reply(node) : _fail(request, errno);
}

inline u32 Session::_read(Rpc_request &request) {
  const Node node = request.get<Node>();
  const u64 offset = request.get<u64>();
  Text bytes;
  const Errno errno = read(node, offset, request.get<u32>(), bytes);
  return errno == Errno::SUCCESS ? request.reply(bytes) : _fail(request, errno);
}

inline u32 Session::_write(Rpc_request &request) {
  const Node node = request.get<Node>();
  const bool at_end = request.get<bool>();
  u64 offset = request.get<u64>();
  u32 written = 0;
  const Errno errno = write(node, request.get<Text>(), at_end, offset, written);
  return errno == Errno::SUCCESS ? request.reply(written, offset) : _fail(request, errno);
}

inline u32 Session::_times(Rpc_request &request, bool by_path) {
  const Node node = request.get<Node>();
  const bool follow = by_path && request.get<bool>();
  const u32 which = request.get<u32>();
  const u64 accessed = request.get<u64>(), modified = request.get<u64>();
  const Text path = by_path ? request.get<Text>() : Text();
  return _done(request, set_times(node, by_path ? &path : nullptr, follow, which, accessed, modified));
}

inline u32 Session::_entries(Rpc_request &request) {
  const Node directory = request.get<Node>();
  const u32 from = request.get<u32>();
  u32 count = 0;
  Entry entry;
  Errno errno = Errno::SUCCESS;
  for (size_t room = Abi::MAX_BYTES - 8;; count++) {
    errno = this->entry(directory, from + count, entry);
    const size_t needed = 4 + 8 + 4 + align_up(entry.name.length, 4);
    if (errno != Errno::SUCCESS || needed > room) break;
    room -= needed;
  }
  if (errno != Errno::SUCCESS && errno != Errno::NOENT) return _fail(request, errno);
  return request.reply_with([&](Message_writer &writer) {
    writer.put(count);
    for (u32 i = 0; i < count; i++) {
      this->entry(directory, from + i, entry);
      writer.put(entry.kind);
      writer.put(entry.inode);
      writer.put(entry.name);
    }
  });
}

inline u32 Session::_names(u32 opcode, Rpc_request &request) {
  const Node node = request.get<Node>();
  const bool follow = opcode == Abi::FILE_SYSTEM_LINK && request.get<bool>();
  const bool two = opcode == Abi::FILE_SYSTEM_LINK || opcode == Abi::FILE_SYSTEM_RENAME;
  const Node to = two ? request.get<Node>() : 0;
  const Text path = request.get<Text>();
  Text target;
  switch (opcode) {
  case Abi::FILE_SYSTEM_CREATE_DIRECTORY: return _done(request, create_directory(node, path));
  case Abi::FILE_SYSTEM_REMOVE_DIRECTORY: return _done(request, remove_directory(node, path));
  case Abi::FILE_SYSTEM_UNLINK: return _done(request, unlink(node, path));
  case Abi::FILE_SYSTEM_RENAME: return _done(request, rename(node, path, to, request.get<Text>()));
  case Abi::FILE_SYSTEM_LINK: return _done(request, link(node, path, follow, to, request.get<Text>()));
  case Abi::FILE_SYSTEM_SYMLINK: return _done(request, symlink(path, node, request.get<Text>()));
  case Abi::FILE_SYSTEM_READLINK: {
    const Errno errno = readlink(node, path, target);
    return errno == Errno::SUCCESS ? request.reply(target) : _fail(request, errno);
  }
  default: return Rpc_request::invalid_opcode();
  }
}

} // namespace Rtcr::File_system

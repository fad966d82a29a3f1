// Files in the component's own memory, the same for all clients: paid by its quota, gone with it. A WASI program whose
// File_system is routed here sees them as /data. Beyond `size` it has errno NOSPC, beyond the quota DQUOT: nobody is asked
// for more, as all clients would wait meanwhile.
//
//   <config size="65536"/>   bytes of content at most; default: as many as the quota allows
#include <rtcr/component.h>
#include <rtcr/file_system.h>

using namespace Rtcr;

namespace {

constexpr u32 HANDLES = 64, NAME = 256, RESERVE = 128 * 1024;

struct File : List_element<File> {
  String<NAME> name;
  File *parent;
  bool directory;
  u64 inode, accessed = 0, modified = 0;
  List<File> children;
  char *content = nullptr;
  size_t size = 0, room = 0;
  /** Handles that name it. */
  u32 opened = 0;
  bool removed = false;

  File(Text name, File *parent, bool directory, u64 inode)
      : name(name), parent(parent), directory(directory), inode(inode) {}
  File *child(Text wanted) const {
    for (File *each = children.first(); each; each = each->next)
      if (each->name == wanted) return each;
    return nullptr;
  }
};

bool before(Text a, Text b) {
  const int order = memcmp(a.start, b.start, min(a.length, b.length));
  return order < 0 || (order == 0 && a.length < b.length);
}

/** Where a path ends: a file, or the place of a name that nothing has. */
struct Place {
  File *parent = nullptr;
  Text name;
  File *file = nullptr;
};

class Volume {
  Heap &_heap;
  const size_t _limit;
  size_t _used = 0;
  u64 _inodes = 1;

 public:
  File root{"", nullptr, true, 1};

  Volume(Heap &heap, size_t limit) : _heap(heap), _limit(limit) {}

  /** Never above the directory that it begins in. */
  Errno find(File &begin, Text path, Place &place) {
    if (path.length == 0) return Errno::NOENT;
    if (path.start[0] == '/') return Errno::PERM;
    place = {nullptr, Text(), &begin};
    for (size_t at = 0; at < path.length;) {
      size_t end = at;
      while (end < path.length && path.start[end] != '/') end++;
      const Text name(path.start + at, end - at);
      at = end + 1;
      if (name.length == 0 || name == Text(".")) continue;
      if (!place.file) return Errno::NOENT;
      if (!place.file->directory) return Errno::NOTDIR;
      if (name.length >= NAME) return Errno::NAMETOOLONG;
      if (name == Text("..")) {
        if (place.file == &begin) return Errno::PERM;
        place.file = place.file->parent;
      } else place = {place.file, name, place.file->child(name)};
    }
    return Errno::SUCCESS;
  }

  Errno make(const Place &place, bool directory, File *&file) {
    if (!place.parent || place.parent->removed) return Errno::NOENT;
    file = new (_heap) File(place.name, place.parent, directory, ++_inodes);
    if (!file) return Errno::DQUOT;
    place.parent->children.insert(*file);
    return Errno::SUCCESS;
  }

  Errno resize(File &file, size_t size) {
    if (size > file.size && size - file.size > _limit - _used) return Errno::NOSPC;
    if (size > file.room) {
      size_t room = max(size, 2 * file.room);
      char *larger = static_cast<char *>(_heap.alloc(room));
      if (!larger) larger = static_cast<char *>(_heap.alloc(room = size));
      if (!larger) return Errno::DQUOT;
      memcpy(larger, file.content, file.size);
      if (file.content) _heap.free(file.content, file.room);
      file.content = larger;
      file.room = room;
    }
    if (size > file.size) memset(file.content + file.size, 0, size - file.size);
    _used = _used - file.size + size;
    file.size = size;
    return Errno::SUCCESS;
  }

  void remove(File &file) {
    file.parent->children.remove(file);
    file.removed = true;
    release(file);
  }

  /** Ends what has neither a name nor a handle. */
  void release(File &file) {
    if (!file.removed || file.opened > 0) return;
    if (file.content) _heap.free(file.content, file.room);
    _used -= file.size;
    destroy(_heap, &file);
  }
};

class Ram_session : public File_system::Session {
  struct Handle {
    File *file = nullptr;
    u32 flags = 0;
  };
  Volume &_volume;
  Handle _handles[HANDLES];

  File *_file(File_system::Node node) const { return node < HANDLES ? _handles[node].file : nullptr; }

  Errno _find(File_system::Node node, Text path, Place &place) {
    File *directory = _file(node);
    if (!directory) return Errno::BADF;
    return directory->directory ? _volume.find(*directory, path, place) : Errno::NOTDIR;
  }
  Errno _existing(File_system::Node node, Text path, Place &place) {
    const Errno errno = _find(node, path, place);
    if (errno != Errno::SUCCESS) return errno;
    return place.file ? Errno::SUCCESS : Errno::NOENT;
  }
  static void _describe(const File &file, File_system::Status &status) {
    status = {file.directory ? u32(Abi::NODE_DIRECTORY) : u32(Abi::NODE_REGULAR_FILE), 1, file.inode, 1, file.size,
              file.accessed, file.modified, file.modified};
  }

 public:
  explicit Ram_session(Volume &volume) : _volume(volume) { _handles[0].file = &volume.root; }
  ~Ram_session() {
    for (u32 node = 1; node < HANDLES; node++) close(node);
  }

 protected:
  File_system::Node root() override { return 0; }
  Text root_path() override { return "/data"; }

  Errno open(File_system::Node directory, Text path, u32 flags, File_system::Node &node) override {
    Place place;
    Errno errno = _find(directory, path, place);
    if (errno != Errno::SUCCESS) return errno;
    for (node = 1; node < HANDLES && _handles[node].file;) node++;
    if (node == HANDLES) return Errno::NFILE;
    if (place.file && (flags & Abi::OPEN_CREATE) && (flags & Abi::OPEN_EXCLUSIVE)) return Errno::EXIST;
    if (!place.file) {
      if (!(flags & Abi::OPEN_CREATE)) return Errno::NOENT;
      errno = _volume.make(place, false, place.file);
      if (errno != Errno::SUCCESS) return errno;
    }
    File &file = *place.file;
    if (file.directory && (flags & (Abi::OPEN_WRITE | Abi::OPEN_TRUNCATE))) return Errno::ISDIR;
    if (!file.directory && ((flags & Abi::OPEN_DIRECTORY) || path.start[path.length - 1] == '/')) return Errno::NOTDIR;
    if (flags & Abi::OPEN_TRUNCATE) _volume.resize(file, 0);
    file.opened++;
    _handles[node] = {&file, flags};
    return Errno::SUCCESS;
  }

  Errno close(File_system::Node node) override {
    File *file = _file(node);
    if (!file || node == 0) return Errno::BADF;
    _handles[node] = {};
    file->opened--;
    _volume.release(*file);
    return Errno::SUCCESS;
  }

  Errno read(File_system::Node node, u64 offset, u32 most, Text &bytes) override {
    File *file = _file(node);
    if (!file) return Errno::BADF;
    if (file->directory) return Errno::ISDIR;
    if (!(_handles[node].flags & Abi::OPEN_READ)) return Errno::BADF;
    if (offset < file->size) bytes = {file->content + offset, size_t(min<u64>(most, file->size - offset))};
    return Errno::SUCCESS;
  }

  Errno write(File_system::Node node, Text bytes, bool at_end, u64 &offset, u32 &written) override {
    File *file = _file(node);
    if (!file) return Errno::BADF;
    if (!(_handles[node].flags & Abi::OPEN_WRITE)) return Errno::BADF;
    if (at_end) offset = file->size;
    if (offset + bytes.length > ~u32(0)) return Errno::FBIG;
    const Errno errno = offset + bytes.length > file->size ? _volume.resize(*file, offset + bytes.length) : Errno::SUCCESS;
    if (errno != Errno::SUCCESS) return errno;
    memcpy(file->content + offset, bytes.start, bytes.length);
    written = bytes.length;
    offset += bytes.length;
    return Errno::SUCCESS;
  }

  Errno status(File_system::Node node, File_system::Status &status) override {
    const File *file = _file(node);
    if (!file) return Errno::BADF;
    _describe(*file, status);
    return Errno::SUCCESS;
  }

  Errno status_at(File_system::Node directory, Text path, bool, File_system::Status &status) override {
    Place place;
    const Errno errno = _existing(directory, path, place);
    if (errno == Errno::SUCCESS) _describe(*place.file, status);
    return errno;
  }

  Errno set_times(File_system::Node node, const Text *path, bool, u32 which, u64 accessed, u64 modified) override {
    Place place;
    const Errno errno = path ? _existing(node, *path, place) : Errno::SUCCESS;
    if (errno != Errno::SUCCESS) return errno;
    File *file = path ? place.file : _file(node);
    if (!file) return Errno::BADF;
    if (which & 1) file->accessed = accessed;
    if (which & 2) file->modified = modified;
    return Errno::SUCCESS;
  }

  Errno set_size(File_system::Node node, u64 size) override {
    File *file = _file(node);
    if (!file) return Errno::BADF;
    if (file->directory) return Errno::ISDIR;
    if (!(_handles[node].flags & Abi::OPEN_WRITE)) return Errno::INVAL;
    return size > ~u32(0) ? Errno::FBIG : _volume.resize(*file, size);
  }

  Errno entry(File_system::Node directory, u32 number, File_system::Entry &entry) override {
    const File *file = _file(directory);
    if (!file) return Errno::BADF;
    if (!file->directory) return Errno::NOTDIR;
    for (const File *each = file->children.first(); each; each = each->next) {
      u32 smaller = 0;
      for (const File *other = file->children.first(); other; other = other->next)
        smaller += before(other->name.text(), each->name.text());
      if (smaller != number) continue;
      entry = {each->directory ? u32(Abi::NODE_DIRECTORY) : u32(Abi::NODE_REGULAR_FILE), each->inode, each->name.text()};
      return Errno::SUCCESS;
    }
    return Errno::NOENT;
  }

  Errno create_directory(File_system::Node directory, Text path) override {
    Place place;
    const Errno errno = _find(directory, path, place);
    if (errno != Errno::SUCCESS) return errno;
    return place.file ? Errno::EXIST : _volume.make(place, true, place.file);
  }

  Errno remove_directory(File_system::Node directory, Text path) override {
    Place place;
    const Errno errno = _existing(directory, path, place);
    if (errno != Errno::SUCCESS) return errno;
    if (!place.file->directory) return Errno::NOTDIR;
    if (!place.parent) return Errno::INVAL;
    if (place.file->children.first()) return Errno::NOTEMPTY;
    _volume.remove(*place.file);
    return Errno::SUCCESS;
  }

  Errno unlink(File_system::Node directory, Text path) override {
    Place place;
    const Errno errno = _existing(directory, path, place);
    if (errno != Errno::SUCCESS) return errno;
    if (place.file->directory) return Errno::ISDIR;
    _volume.remove(*place.file);
    return Errno::SUCCESS;
  }

  Errno rename(File_system::Node from, Text path, File_system::Node to, Text new_path) override {
    Place source, target;
    Errno errno = _existing(from, path, source);
    if (errno == Errno::SUCCESS) errno = _find(to, new_path, target);
    if (errno != Errno::SUCCESS) return errno;
    if (!source.parent || !target.parent) return Errno::BUSY;
    if (source.file == target.file) return Errno::SUCCESS;
    for (const File *above = target.parent; above; above = above->parent)
      if (above == source.file) return Errno::INVAL;
    if (target.file) {
      if (source.file->directory && !target.file->directory) return Errno::NOTDIR;
      if (!source.file->directory && target.file->directory) return Errno::ISDIR;
      if (target.file->children.first()) return Errno::NOTEMPTY;
      _volume.remove(*target.file);
    }
    source.parent->children.remove(*source.file);
    source.file->name = String<NAME>(target.name);
    source.file->parent = target.parent;
    target.parent->children.insert(*source.file);
    return Errno::SUCCESS;
  }
};

class Ram_root : public Root_component {
  Volume &_volume;
  Heap &_heap;

 public:
  Ram_root(Env &env, Heap &heap, Volume &volume)
      : Root_component(env, heap, "File_system"), _volume(volume), _heap(heap) {}

 protected:
  Created create_session(Text, Text) override {
    Ram_session *session = new (_heap) Ram_session(_volume);
    if (!session) return {Response::INSUFFICIENT_RAM_QUOTA};
    return {Response::SESSION_OK, session};
  }
  void destroy_session(Rpc_object &session) override { Rtcr::destroy(_heap, static_cast<Ram_session *>(&session)); }
};

} // namespace

void Component::construct(Env &env) {
  // the rest is for sessions, and what else the start has not allocated yet
  static Heap heap(env.ram(), env.rm(), size_t(max<u64>(env.ram().avail_ram(), RESERVE) - RESERVE));
  const Attached_rom_dataspace config(env, "config");
  const u64 size = config.valid() ? config.xml().attribute_value("size", u64(~u32(0))) : ~u32(0);
  static Volume volume(heap, size_t(size));
  static Ram_root root(env, heap, volume);
  root.announce();
}

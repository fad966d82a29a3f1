#!/bin/bash
# Unpacks CRIU 4.2 with its libraries into build/criu/root, for npm run bench -- criu. Debian 12's own (3.17) does not work
# with present kernels.
set -euo pipefail
here="$(dirname "$0")"
dir="$(realpath -m "$here/../build/criu")"
"$here/unpack-debian.sh" "$dir" criu
lib="$dir/root/usr/lib/x86_64-linux-gnu"
"$lib/ld-linux-x86-64.so.2" --library-path "$lib" "$dir/root/usr/sbin/criu" check

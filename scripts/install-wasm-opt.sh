#!/bin/bash
# Unpacks a native wasm-opt into build/binaryen/root, for npm run bench -- overhead. The one of node_modules is itself
# compiled to JavaScript and WebAssembly: it takes more than twenty times as long and has at most 4 GiB of memory.
set -euo pipefail
here="$(dirname "$0")"
dir="$(realpath -m "$here/../build/binaryen")"
"$here/unpack-debian.sh" "$dir" binaryen
lib="$dir/root/usr/lib/x86_64-linux-gnu"
"$lib/ld-linux-x86-64.so.2" --library-path "$lib" "$dir/root/usr/bin/wasm-opt" --version

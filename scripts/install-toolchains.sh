#!/bin/sh
# Installs the compilers that the guest programs of apps/ need (Debian 12). AssemblyScript, wabt and binaryen come with
# `npm ci`.
exec "$(dirname "$0")/install-packages.sh" \
  clang-19 lld-19 wasi-libc libclang-rt-19-dev-wasm32 libc++-19-dev-wasm32 libc++abi-19-dev-wasm32 \
  rustc libstd-rust-dev-wasm32 lld-14

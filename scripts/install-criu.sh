#!/bin/bash
# Unpacks CRIU 4.2 with its libraries into build/criu/root, for npm run bench -- criu. Debian 12's own (3.17) does not work
# with present kernels; these packages are Debian unstable's, and run with their own loader. Nothing is installed.
set -euo pipefail
dir="$(realpath -m "$(dirname "$0")/../build/criu")"
mkdir -p "$dir"/apt/{lists/partial,cache/archives/partial,etc/preferences.d} "$dir/root"
touch "$dir/apt/status"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian sid main" \
  >"$dir/apt/etc/sources.list"
options=(
  -o "Dir::Etc::sourcelist=$dir/apt/etc/sources.list" -o Dir::Etc::sourceparts=/dev/null
  -o "Dir::State::lists=$dir/apt/lists" -o "Dir::Cache=$dir/apt/cache" -o "Dir::State::status=$dir/apt/status"
  -o "Dir::Etc::preferencesparts=/dev/null" -o APT::Sandbox::User=root
)
apt-get "${options[@]}" update -qq
apt-get "${options[@]}" install -y --no-install-recommends --download-only criu
for package in "$dir"/apt/cache/archives/*.deb; do dpkg -x "$package" "$dir/root"; done
rm -r "$dir/apt"
"$dir/root/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2" --library-path "$dir/root/usr/lib/x86_64-linux-gnu" \
  "$dir/root/usr/sbin/criu" check

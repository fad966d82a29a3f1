#!/bin/bash
# Unpacks packages of Debian unstable with what they depend on into DIR/root, for benches whose peers Debian 12 has only
# too old. They run with their own loader, DIR/root/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2. Nothing is installed.
#
#   scripts/unpack-debian.sh DIR PACKAGE...
set -euo pipefail
dir="$(realpath -m "$1")"
shift
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
apt-get "${options[@]}" install -y --no-install-recommends --download-only "$@"
for package in "$dir"/apt/cache/archives/*.deb; do dpkg -x "$package" "$dir/root"; done
rm -r "$dir/apt"

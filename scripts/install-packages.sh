#!/usr/bin/env bash
# `install-packages.sh PURPOSE PACKAGE…` installs packages of Debian or Ubuntu, and does nothing when they are there. The services that
# come with them are not started.
set -euo pipefail

purpose=$1
packages=("${@:2}")

is_installed() { [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

missing=()
for package in "${packages[@]}"; do is_installed "$package" || missing+=("$package"); done
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" -ne 0 ]; then exec sudo "$0" "$@"; fi

# invoke-rc.d asks this file whether a service may be started: 101 is no.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
fi

export DEBIAN_FRONTEND=noninteractive
# What apt has to say is of interest only when it fails.
quietly() { local said; said=$("$@" 2>&1) || { echo "$said" >&2; exit 1; }; }
quietly apt-get update
quietly apt-get install -y --no-install-recommends "${missing[@]}"
echo "Installed for $purpose: ${missing[*]}"
if [ -d /run/systemd/system ]; then echo 'Services among them start with the machine, until you `systemctl disable` them.'; fi

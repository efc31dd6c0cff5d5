# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# shellcheck disable=SC2034 # the lists are for whoever sources this
# Debian's packages that sluice needs, and how they get here. Sourced by deploy/quickstart and tests/run: the one list of them.

build_packages=(gcc libc6-dev cmake ninja-build pkg-config libssl-dev libsodium-dev nettle-dev libc-ares-dev libjemalloc-dev zlib1g-dev)
client_packages=(openssh-client)
peer_packages=(openssh-server dropbear-bin haproxy)
test_packages=(libcriterion-dev libjansson-dev valgrind clang binutils python3 python3-pytest python3-paramiko curl procps
    putty-tools libssh2-1 spin "${peer_packages[@]}")

# Installs what is missing of the packages named; not as root: prints the line to type, and ends with status 1.
require_packages()
{
    local package missing=()
    for package in "$@"; do
        [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
    done
    ((${#missing[@]})) || return 0
    if ((EUID != 0)); then
        printf 'Packages are missing. Type this, then try again:\n\n    sudo apt-get update && sudo apt-get install -y --no-install-recommends %s\n\n' \
            "${missing[*]}" >&2
        exit 1
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -q
    apt-get install -q -y --no-install-recommends "${missing[@]}"
}

# configure_preset PRESET [OPTION…]
configure_preset()
{
    cmake --preset "$@" >/dev/null
}

# build_preset PRESET [OPTION…]: with every core
build_preset()
{
    cmake --build --preset "$@" --parallel "$(nproc)"
}

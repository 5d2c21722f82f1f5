#!/usr/bin/env bash
# Runs Asterisk as a peer of the telephony bench, in the foreground: bench/phones/asterisk.sh PROMPT.wav
#
# Debian 12 has no Asterisk; Debian's unstable branch has. It is unpacked, with all it needs, into a folder of its own
# (~/.cache/gudok/bench/asterisk, 270 MB) and run inside it, so that nothing of this machine changes. Needs root (chroot).
set -euo pipefail
cd "$(dirname "$0")"
root=${XDG_CACHE_HOME:-$HOME/.cache}/gudok/bench/asterisk

if [ ! -x "$root/usr/sbin/asterisk" ]; then
    [ "$(id -u)" -eq 0 ] || { echo "unpacking Asterisk needs root" >&2; exit 1; }
    command -v mmdebstrap >/dev/null || apt-get install -y -q --no-install-recommends mmdebstrap
    mkdir -p "$root"
    # Snapshots of a repository that is not updated any more are as good.
    mmdebstrap --quiet --variant=extract --aptopt='APT::Install-Recommends "false"' \
        --aptopt='Acquire::Check-Valid-Until "false"' --include=asterisk sid "$root"
fi
# Only unpacked: what the packages' scripts would have made is made here.
for folder in bin sbin lib lib64; do [ -e "$root/$folder" ] || ln -s "usr/$folder" "$root/$folder"; done
mkdir -p "$root"/{bench,run/asterisk,var/log/asterisk,var/spool/asterisk/monitor,dev,tmp}
[ -e "$root/dev/null" ] || mknod -m 666 "$root/dev/null" c 1 3
for random in random:8 urandom:9; do
    [ -e "$root/dev/${random%:*}" ] || mknod -m 666 "$root/dev/${random%:*}" c 1 "${random#*:}"
done
# It looks this machine up for every call; unanswered, that takes seconds.
echo "127.0.0.1 localhost $(hostname)" >"$root/etc/hosts"
cp asterisk/*.conf "$root/bench/"
sox "$1" -t al -r 8000 -c 1 "$root/bench/prompt.alaw"
ulimit -n "$(ulimit -Hn)"
exec chroot "$root" /usr/sbin/asterisk -C /bench/asterisk.conf -f -n

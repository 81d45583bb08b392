# The first process of a host: it makes the host's view of the disk, waits, and gathers what others leave behind. With it
# everything on the host ends, and every mount, since the namespaces are its own.
#   $1 the host's name  $2 its folder  $3 the size of its data  $4 the owner  $5 the Debian root, or nothing  $6 stay, or nothing
set -eu
hostname "$1"
mount -t tmpfs -o "size=$3,mode=0755" data "$2/data"
if [ -z "$5" ]; then
	mount -t proc proc /proc
	top=
	at=$2
else
	top=$2/root
	at=/mnt
	mount --bind "$5" "$top"
	mount -o remount,bind,ro "$top"
	mount -t proc proc "$top/proc"
	mount -t tmpfs -o mode=0755 dev "$top/dev"
	for device in null zero full random urandom tty; do
		touch "$top/dev/$device"
		mount --bind "/dev/$device" "$top/dev/$device"
	done
	mkdir "$top/dev/shm"
	mount -t tmpfs -o mode=1777 shm "$top/dev/shm"
	mount -t tmpfs -o mode=1777 tmp "$top/tmp"
	mount -t tmpfs -o mode=0755 run "$top/run"
	mount --rbind "$2" "$top$at"
	mount --bind "$2/../../bin" "$top/opt"
fi
if [ "$6" = stay ]; then
	exec <>"$2/run/hold"
fi
export at owner="$4"
exec chroot "${top:-/}" /bin/bash -euc '
	chown "$owner" "$at/data" "$at/conf"
	chmod 0700 "$at/data"
	touch "$at/run/up"
	while read -r _; do :; done'

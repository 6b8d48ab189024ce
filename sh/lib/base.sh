# SPDX-License-Identifier: ISC
#
# base.sh: what every command in sh starts with. Sourced first, through the
# script's real path, so that a link in bin finds it in the tree and after
# installation:
#
#	set -eu
#	. "$(dirname "$(readlink -f "$0")")/lib/base.sh"
#
# Sets prog, the exit codes and a sane environment. A script called by its path
# (cron) finds the commands beside it: that directory goes to the front of PATH
# unless it is there already. The script sets usage (the words after its name
# in the SYNOPSIS) and vflag.
umask 077
LC_ALL=C
export LC_ALL
unset CDPATH

# shellcheck disable=SC2034 # for the scripts
EX_OK=0 EX_NO=1 EX_ERR=2 EX_TEMP=75

prog=${0##*/}
usage=
vflag=0
tmp=
left=
case $0 in
/*) bindir=${0%/*} ;;
*/*) bindir=$(cd "${0%/*}" && pwd) ;;
*) bindir=$PWD ;;
esac
case :$PATH: in
*:"$bindir":*) ;;
*) PATH=$bindir:$PATH ;;
esac

# warn SUBJECT REASON: one line on stderr, control characters masked.
warn() {
	printf '%s\n' "$(printf '%s: %s: %s' "$prog" "$1" "$2" |
	    tr '[:cntrl:]' '?')" >&2
}

# note SUBJECT TEXT: progress, with -v only.
note() {
	[ "$vflag" -eq 0 ] || warn "$1" "$2"
}

# leave CODE: the only way out. A script that ends elsewhere (set -e, a syntax
# error, the end of the file) exits 2, whatever the last command's code was.
leave() {
	left=$1
	exit "$1"
}

# fail CODE SUBJECT REASON: the message, and out with that code.
fail() {
	warn "$2" "$3"
	leave "$1"
}

# die SUBJECT REASON: an error that waiting does not heal.
die() {
	fail "$EX_ERR" "$1" "$2"
}

usage() {
	printf 'usage: %s %s\n' "$prog" "$usage" >&2
	leave "$EX_ERR"
}

# need COMMAND...: all of them are there.
need() {
	for need_cmd do
		command -v "$need_cmd" >/dev/null ||
		    die "$need_cmd" 'command not found'
	done
}

# tmp_make [PREFIX]: a private directory, its path in tmp, removed on every way
# out. PREFIX says where it has to be (on the file system of the result).
tmp_make() {
	tmp=$(mktemp -d "${1-${TMPDIR:-/tmp}/$prog.}XXXXXX" 2>/dev/null) ||
	    die "${1-${TMPDIR:-/tmp}/$prog.}XXXXXX" 'cannot make a directory'
}

tmp_remove() {
	trap '' HUP INT TERM
	[ -z "$tmp" ] || rm -rf "$tmp" || :	# what was done stays done
}

on_exit() {
	tmp_remove
	exit "${left:-$EX_ERR}"
}

# Ends by the signal itself, so that the caller sees what happened. Process 1
# is not ended by it.
on_signal() {
	trap - EXIT
	tmp_remove
	trap - "$1"
	kill -s "$1" $$
	exit "$EX_TEMP"
}

trap on_exit EXIT
trap 'on_signal HUP' HUP
trap 'on_signal INT' INT
trap 'on_signal TERM' TERM

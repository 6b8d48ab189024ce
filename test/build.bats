#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The build itself: both makes, both compilers, installation.

load helper

setup_file() {
	export TREE=$BATS_FILE_TMPDIR/tree
	mkdir "$TREE"
	cp -r "$ECA_ROOT/Makefile" "$ECA_ROOT/src" "$ECA_ROOT/sh" \
	    "$ECA_ROOT/man" "$TREE"
	mkdir "$TREE/etc"
	cp -r "$ECA_ROOT/etc/hooks" "$ECA_ROOT/etc/lighttpd" \
	    "$ECA_ROOT/etc/certs.d" "$ECA_ROOT/etc/systemd" "$TREE/etc"
	cd "$TREE" || return
	make -j2 CC=gcc CFLAGS=-Werror all >"$BATS_FILE_TMPDIR/log" 2>&1 ||
	    cat "$BATS_FILE_TMPDIR/log" >&2
}

setup() {
	cd "$TREE" || return
}

# libraries PROGRAM: those it names, without libc.
libraries() {
	readelf -d "bin/$1" | sed -n 's/.*NEEDED.*\[lib\(.*\)\.so.*/\1/p' |
	    grep -v '^c$' | sort | paste -sd' '
}

@test "make: gcc builds everything without a warning" {
	run -0 make -q CC=gcc CFLAGS=-Werror all
}

@test "make: BSD make finds nothing to do after GNU make" {
	require bmake
	run -0 bmake CC=gcc CFLAGS=-Werror all
	[ -z "$output" ]
}

@test "make: BSD make and clang build everything without a warning" {
	require bmake clang
	mkdir other
	cp -r Makefile src sh other
	cd other
	run -0 bmake -j2 CC=clang CFLAGS=-Werror all
	run -0 bin/mkkey -V
}

@test "make: CFLAGS, CPPFLAGS and LDFLAGS of the user are last" {
	run -0 make -n -B CFLAGS=-Omine CPPFLAGS=-Dmine LDFLAGS=-Lmine bin/mkkey
	[[ $output == *" -Dmine -Omine "* ]]
	[[ $output == *" -Lmine -o bin/mkkey "* ]]
}

@test "make: every command links what it uses and nothing more" {
	[ "$(libraries cert-expiry)" = crypto ]
	[ "$(libraries cert-verify)" = crypto ]
	[ "$(libraries clock-check)" = 'crypto curl ssl' ]
	[ "$(libraries crl-check)" = crypto ]
	[ "$(libraries crl-fetch)" = 'crypto curl' ]
	[ -z "$(libraries cert-commit)" ]
	[ "$(libraries cert-deploy)" = crypto ]
	[ "$(libraries cert-rollback)" = crypto ]
	[ "$(libraries mkkey)" = crypto ]
	[ "$(libraries mkcsr)" = 'crypto jansson' ]
	[ "$(libraries tls-peek)" = 'crypto ssl' ]
	[ "$(libraries acme-revoke)" = 'crypto curl jansson' ]
	[ "$(libraries acme-order)" = 'crypto curl jansson ssl' ]
	[ -z "$(libraries http01-serve)" ]
	[ -z "$(libraries file-replace)" ]
	[ -z "$(libraries log-json)" ]
	[ "$(libraries csr-check)" = crypto ]
	[ "$(libraries agent-conf)" = 'crypto jansson' ]
	[ -z "$(libraries whitelist-check)" ]
}

@test "make: the programs are hardened" {
	local f
	for f in bin/*; do
		[ ! -L "$f" ] || continue
		readelf -hlW "$f" >elf
		grep -q 'Type: *DYN' elf
		grep -q GNU_RELRO elf
		readelf -dW "$f" | grep -Eq 'FLAGS.*NOW'
		readelf -lW "$f" | grep -Eq 'GNU_STACK .* RW '
	done
	readelf -sW bin/acme-order | grep -q __stack_chk_fail
}

@test "make: install puts commands, scripts and pages in place; uninstall takes them back" {
	local root=$BATS_TEST_TMPDIR/root
	umask 077	# root's; the others must be able to use it all the same
	run -0 make CC=gcc CFLAGS=-Werror DESTDIR="$root" PREFIX=/usr install
	umask 022
	[ -z "$(find "$root/usr" -type d -not -perm 755)" ]
	[ -z "$(find "$root/usr" -type f -not -perm -444)" ]
	[ -x "$root/usr/bin/cert-expiry" ]
	[ -f "$root/usr/share/man/man1/cert-expiry.1" ]
	[ -f "$root/usr/libexec/eca/lib/base.sh" ]
	[ ! -e "$root/usr/bin/demo" ]
	[ "$(readlink "$root/usr/bin/ca-init")" = /usr/libexec/eca/ca-init ]
	run -0 --separate-stderr \
	    "$root/usr/libexec/eca/ca-init" -d "$BATS_TEST_TMPDIR/ca"
	[ -x "$root/usr/libexec/eca/hooks/nsupdate" ]
	[ -x "$root/usr/libexec/eca/hooks/reload-nginx" ]
	[ -s "$root/usr/share/eca/lighttpd/est.conf" ]
	[ -s "$root/usr/share/eca/certs.d/web.conf" ]
	[ -f "$root/usr/share/man/man5/certs.d.5" ]
	grep -q '^ExecStart=/usr/bin/acme-agent$' \
	    "$root/usr/lib/systemd/system/acme-agent.service"
	[ -s "$root/usr/lib/sysusers.d/eca.conf" ]
	run -0 make DESTDIR="$root" PREFIX=/usr uninstall
	[ -z "$(find "$root" -not -type d)" ]
}

@test "make: help lists every target" {
	run -0 make help
	local t
	for t in all deps demo test check lint bench fuzz install clean; do
		grep -q "^$t " <<<"$output"
	done
}

#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The units for systemd, as make install puts them in place. There is no systemd
# to run them here: its own tools look at the files.

load helper

setup_file() {
	require systemd-analyze systemd-sysusers
	export ROOT=$BATS_FILE_TMPDIR/root
	make -C "$ECA_ROOT" DESTDIR="$ROOT" PREFIX=/usr install \
	    >"$BATS_FILE_TMPDIR/log" 2>&1 || {
		cat "$BATS_FILE_TMPDIR/log" >&2
		return 1
	}
}

setup() {
	cd "$ROOT/usr/lib/systemd/system" || return
}

# exposure UNIT: what systemd makes of its sandbox, in tenths.
exposure() {
	systemd-analyze security --offline=yes --no-pager "./$1" |
	    sed -n 's/^.*Overall exposure level.*: \([0-9]*\)\.\([0-9]\) .*/\1\2/p'
}

# has UNIT LINE: that line is there.
has() {
	grep -qxF -e "$2" "$1" || {
		echo "$1: no line $2" >&2
		return 1
	}
}

@test "systemd: make install puts every unit in place" {
	run -0 ls
	[ "$output" = "$(ls --ignore=eca.sysusers "$ECA_ROOT/etc/systemd")" ]
	[ "$(stat -c %a -- * | sort -u)" = 644 ]
}

# verify looks for the commands on this host; they are below $ROOT.
@test "systemd: verify has no complaint" {
	local quiet=': Command /usr/bin/[a-z-]* is not executable: No such file'
	systemd-analyze verify --man=no "$PWD"/* >"$BATS_TEST_TMPDIR/log" 2>&1 ||
	    true
	run -1 grep -v "$quiet" "$BATS_TEST_TMPDIR/log"
	[ -z "$output" ]
	# it does say when something is wrong
	sed 's/^Type=.*/Type=nonsense/' acme-agent.service >"$BATS_TEST_TMPDIR/x.service"
	systemd-analyze verify --man=no "$BATS_TEST_TMPDIR/x.service" \
	    >"$BATS_TEST_TMPDIR/log" 2>&1 || true
	run -0 grep -v "$quiet" "$BATS_TEST_TMPDIR/log"
	[[ $output == *nonsense* ]]
}

@test "systemd: the paths in the units follow PREFIX" {
	run -1 grep -r /usr/local .
	has acme-agent.service ExecStart=/usr/bin/acme-agent
	has acme-agent-once.service 'ExecStart=/usr/bin/acme-agent -1'
	grep -q '/usr/bin/eca-status -f prometheus' eca-status.service
	local command
	while read -r command; do
		[ -L "$ROOT$command" ] || [ -x "$ROOT$command" ]
	done < <(grep -oh '/usr/bin/[a-z-]*' -- *.service)
}

@test "systemd: exposure of what uses the network is 1.2 at most" {
	local unit
	for unit in acme-agent acme-agent-once est-agent est-agent-once \
	    crl-agent; do
		echo "$unit"
		[ "$(exposure "$unit.service")" -le 12 ]
		has "$unit.service" User=eca
	done
}

@test "systemd: exposure of what does not is 0.5 at most" {
	[ "$(exposure eca-status.service)" -le 5 ]
	[ "$(exposure eca-reload@.service)" -le 5 ]
	has eca-status.service User=eca
	has eca-status.service PrivateNetwork=yes
	has eca-reload@.service PrivateNetwork=yes
}

@test "systemd: every service is among those, and every timer has its service" {
	[ "$(echo *.service)" = 'acme-agent-once.service acme-agent.service crl-agent.service eca-reload@.service eca-status.service est-agent-once.service est-agent.service' ]
	local timer unit
	for timer in *.timer; do
		unit=$(sed -n 's/^Unit=//p' "$timer")
		[ -f "${unit:-${timer%.timer}.service}" ]
		systemd-analyze calendar \
		    "$(sed -n 's/^OnCalendar=//p' "$timer")" >/dev/null
		grep -q '^RandomizedDelaySec=' "$timer"
	done
}

@test "systemd: the units of the two agents differ in the name only" {
	local unit
	for unit in -once.service .service .timer; do
		sed 's/acme/est/g; s/ACME/EST/g' "acme-agent$unit" |
		    diff - "est-agent$unit"
	done
}

# systemd 252 has them in no set: without them each command ends at once.
@test "systemd: the commands may restrict themselves" {
	local unit
	for unit in *-agent*.service eca-status.service; do
		has "$unit" 'SystemCallFilter=landlock_create_ruleset landlock_add_rule'
		has "$unit" SystemCallFilter=landlock_restrict_self
	done
}

@test "systemd: each unit names its pages, which are there" {
	local page
	while read -r page; do
		[[ $page =~ ^man:([a-z-]+)\(([1-8])\)$ ]]
		page=${BASH_REMATCH[1]}.${BASH_REMATCH[2]}
		[ -s "$ROOT/usr/share/man/man${page##*.}/$page" ]
	done < <(sed -n 's/^Documentation=//p' -- * | tr ' ' '\n')
}

@test "systemd: the stamp that is watched is the one the page tells of" {
	has eca-reload@.path PathChanged=/run/eca/reload/%i
	has eca-reload@.service \
	    'ExecStart=/bin/systemctl --quiet reload-or-restart -- %i'
	has acme-agent.service RuntimeDirectory=eca/reload
	grep -qF 'reload-stamp /run/eca/reload/nginx' \
	    "$ROOT/usr/share/man/man7/eca-systemd.7"
}

@test "systemd: sysusers makes the user of the units" {
	mkdir -p "$BATS_TEST_TMPDIR/etc"
	systemd-sysusers --root="$BATS_TEST_TMPDIR" \
	    "$ROOT/usr/lib/sysusers.d/eca.conf"
	grep -q '^eca:x:[0-9]*:[0-9]*:Edge Certificate Agent:/var/lib/eca:.*/nologin$' \
	    "$BATS_TEST_TMPDIR/etc/passwd"
	grep -q '^eca:' "$BATS_TEST_TMPDIR/etc/group"
}

# status SCRIPT: what eca-status.service runs, with this as eca-status.
status() {
	local dir=$BATS_TEST_TMPDIR
	mkdir -p "$dir/bin" "$dir/metrics"
	printf '#!/bin/sh\n%s\n' "$1" >"$dir/bin/eca-status"
	chmod +x "$dir/bin/eca-status"
	ln -sf "$ECA_BIN/file-replace" "$dir/bin/"
	sed -n "/^ExecStart=/,/'\$/p" eca-status.service |
	    sed "s|^ExecStart=||; s|\\$\\$|\$|g; s|/usr/bin|$dir/bin|
		s|/run/eca|$dir|; s|/tmp/eca|$dir/eca|" >"$dir/line"
	sh "$dir/line"
}

@test "systemd: eca-status replaces the metrics when it could tell" {
	local prom=$BATS_TEST_TMPDIR/metrics/eca.prom
	run -0 status 'echo "$*"; exit 1'
	[ "$(<"$prom")" = '-f prometheus' ]
	[ "$(stat -c %a "$prom")" = 644 ]
	run -1 status 'echo half; exit 2'
	[ "$(<"$prom")" = '-f prometheus' ]
	run -0 status 'echo whole'
	[ "$(<"$prom")" = whole ]
}

#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# sh/lib/agentbase.sh: the functions that the agents have in common, under both
# shells and with busybox's commands.

load helper

setup() {
	require dash busybox
	cd "$BATS_TEST_TMPDIR" || return
	mkdir bb
	busybox --install -s bb
	ln -sf "$ECA_BIN/log-json" bb/
}

teardown() {
	stop_bg
}

# script: sh on stdin becomes a script that sources both files.
script() {
	{
		echo set -eu
		echo ". '$ECA_ROOT/sh/lib/base.sh'"
		echo ". '$ECA_ROOT/sh/lib/agentbase.sh'"
		cat
		echo leave 0
	} >an-agent
}

# each CODE: the script under each shell, its output in out and err; then the
# function check.
each() {
	local shell rc
	for shell in "dash" "env PATH=$PWD/bb $PWD/bb/sh"; do
		rc=0
		# shellcheck disable=SC2086
		$shell ./an-agent >out 2>err || rc=$?
		echo "$shell: $rc"
		cat out err
		[ "$rc" -eq "$1" ]
		check
	done
}

# count EVENT: how often it is in the log.
count() {
	grep -c -e "\"event\":\"$1\"" "${2-err}" || true
}

@test "agentbase: log writes what its level lets through" {
	script <<-'END'
	for log_level in trace debug info warn error; do
		for level in TRACE debug INFO info WARN ERROR; do
			log "$level" "$log_level"
		done
	done
	log_level=info
	printf 'a=1\nsecret=x\n' >facts
	log INFO facts - b:=2 <facts
	log INFO bad =
	END
	check() {
		[ ! -s out ]
		[ "$(for e in trace debug info warn error; do
			count "$e"; done | xargs)" = '6 5 4 2 1' ]
		[ "$(jq -c 'select(.event == "facts") | del(.time)' \
		    <(grep '^{' err))" = '{"level":"info",'\
'"service":"an-agent","event":"facts","a":"1","secret":"[redacted]","b":2}' ]
		[[ $(tail -n 1 err) == 'log-json: operand '* ]]
	}
	each 0
}

@test "agentbase: log appends to a file, and to stderr when it cannot" {
	script <<-'END'
	log_to=$PWD/log
	log_check
	log INFO one
	mv log moved
	log INFO two
	log_to=$PWD/none/log
	log INFO three
	END
	check() {
		[ "$(count one moved) $(count two log) $(count three)" = \
		    '1 1 1' ]
		[ "$(wc -l <err)" -eq 1 ]
		[ "$(stat -c %a log)" = 600 ]
		rm log moved
	}
	each 0
}

@test "agentbase: log to syslog" {
	unshare -m true 2>/dev/null || skip 'no mount namespace here'
	script <<-'END'
	log_to=syslog
	log_check
	log WARN disk.full reason=why
	log ERROR no.more
	END
	# a /dev of its own, with busybox's syslogd
	cat >in-dev <<-'END'
	mkdir dev
	mount -t tmpfs none dev
	for f in null urandom; do
		: >dev/$f
		mount --bind /dev/$f dev/$f
	done
	mount --rbind dev /dev
	busybox syslogd -n -O "$PWD/messages" &
	until [ -S /dev/log ]; do sleep 0.05; done
	rc=0
	"$@" || rc=$?
	until grep -q no.more messages; do sleep 0.05; done
	kill $!
	exit $rc
	END
	run -0 timeout 10 unshare -m sh -eu in-dev dash an-agent
	[ -z "$output" ]
	[[ $(<messages) == *' daemon.err an-agent: {"time":'* ]]
	cat messages
	[[ $(<messages) == *' daemon.warn an-agent: {"time":'*'"why"}'* ]]
}

@test "agentbase: log_check refuses other levels and places" {
	local word
	for word in log_level=Info log_level= log_to= log_to=file log_to=/; do
		script <<<"$word; log_check"
		check() {
			grep -q '^an-agent: .*: .' err
		}
		each 2
	done
}

@test "agentbase: number takes whole numbers of a range" {
	local value
	for value in 0 7 86400; do
		script <<<"number -i $value 0 86400"
		check() { [ ! -s err ]; }
		each 0
	done
	for value in '' 00 07 86401 -1 1.5 x 9999999999999999999 '1 '; do
		script <<<"number -i '$value' 0 86400"
		check() {
			[ "$(<err)" = "an-agent: -i $value: not a whole number\
 between 0 and 86400" ]
		}
		each 2
	done
}

@test "agentbase: jitter stays in its range and uses all of it" {
	script <<-'END'
	seen=''
	for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		jitter 1
		seen=$seen$jitter
	done
	case $seen in
	*[!01]*) exit 1 ;;
	*0*1* | *1*0*) ;;
	*) exit 1 ;;
	esac
	jitter 0
	[ "$jitter" -eq 0 ] || exit 1
	END
	check() { [ ! -s err ]; }
	each 0
}

@test "agentbase: nap ends by a signal, also by one that came before" {
	script <<-'END'
	agent_signals
	kill -HUP $$
	nap 60
	(sleep 0.2; kill -TERM $$) &
	nap 60
	[ "$stop$again" = 10 ] || exit 1
	stop=0
	nap 0.1
	END
	check() { [ ! -s err ]; }
	SECONDS=0
	each 0
	[ "$SECONDS" -lt 10 ]
}

@test "agentbase: run_hook ends a hook in time, and all it has started" {
	cat >hang <<-'END'
	#!/bin/sh
	trap '' TERM
	echo "hang: $1 ($2)" >&2
	sleep 7331 &
	sleep 7332
	sleep 7333
	END
	chmod +x hang
	script <<-'END'
	HOOK_GRACE=1
	exec 9>lock
	agent_tmp "$PWD/tmp"
	rc=0
	run_hook 1 ./hang 'a b' '' || rc=$?
	[ "$rc" -eq 124 ] || exit 1
	grep -qx 'hang: a b ()' tmp/err || exit 1
	run_hook 9 true
	rc=0
	run_hook 9 sh -c '[ ! -e /dev/fd/9 ] || exit 3
	    read -r x || echo "retry-at: x" >&2
	    echo out; echo "sh: what: it said" >&2; exit 7' || rc=$?
	[ "$rc" -eq 7 ] || exit 1
	[ "$(reason)" = 'what: it said' ] || exit 1
	rc=0
	run_hook 9 ./missing || rc=$?
	[ "$rc" -eq 127 ] || exit 1
	END
	check() {
		[ ! -s out ]
		[ ! -e tmp ]
		run -1 pgrep -f 'sleep 733[123]'
	}
	each 0
}

@test "agentbase: hook_find knows paths and the hooks that come with it" {
	mkdir hooks 'a dir'
	for f in hooks/one 'a dir/two' plain; do
		printf '#!/bin/sh\n' >"$f"
		chmod +x "$f"
	done
	chmod -x plain
	script <<-'END'
	hook_find " one *  b "
	[ "$hook_path|$hook_words" = "$PWD/hooks/one|* b" ] || exit 1
	hook_find "$PWD/hooks/one"
	[ "$hook_path|$hook_words" = "$PWD/hooks/one|" ] || exit 1
	for bad in '' ' ' ./hooks/one two "$PWD/plain" "$PWD/hooks" ..; do
		(hook_find "$bad") && exit 1
	done
	END
	check() { [ "$(wc -l <err)" -eq 7 ]; }
	each 0
	# in the tree
	rm -r hooks
	mkdir -p etc/hooks sh
	cp an-agent sh/an-agent
	cp 'a dir/two' etc/hooks/
	sed -i '/hook_find/,$d' sh/an-agent
	echo 'hook_find two; "$hook_path"; leave 0' >>sh/an-agent
	run -0 dash sh/an-agent
}

@test "agentbase: agent_lock lets one in, and what it starts does not hold it" {
	script <<-'END'
	agent_lock lock here
	(exec 9>&-; agent_lock lock there) && exit 1
	rc=0
	(exec 9>&-; agent_lock lock there) || rc=$?
	[ "$rc" -eq 75 ] || exit 1
	(agent_lock /proc/lock x) && exit 1
	agent_signals
	nap 0.1
	END
	check() {
		[ "$(sort -u err)" = 'an-agent: /proc/lock: cannot be written
an-agent: there: another an-agent is at work' ]
	}
	ln -sf "$(command -v flock)" bb/
	each 0
}

@test "agentbase: unlitter takes away what file-replace leaves, and no more" {
	script <<-'END'
	mkdir -p d
	for f in .new .0123ef .backup .012345x x.new ''; do
		: >".name$f"
		: >"d/.name$f"
	done
	unlitter name
	unlitter d/name
	[ "$(ls -A d; ls -d .name*)" = '.name
	.name.012345x
	.name.backup
	.namex.new
	.name
	.name.012345x
	.name.backup
	.namex.new' ] || exit 1
	END
	check() { [ ! -s err ]; }
	each 0
}

@test "agentbase: process 1 ends by a signal before agent_signals, too" {
	unshare -pf true 2>/dev/null || skip 'no process namespace here'
	script <<-'END'
	agent_tmp "$PWD/tmp"
	kill -TERM $$
	sleep 0.1
	echo still >&2
	END
	for shell in "$(command -v dash)" "$PWD/bb/sh"; do
		run -75 unshare -pf "$shell" ./an-agent
		[ -z "$output" ]
		[ ! -e tmp ]
	done
	run -143 dash ./an-agent
	[ ! -e tmp ]
}

@test "agentbase: agent_tmp begins with an empty directory" {
	mkdir tmp
	echo old >tmp/old
	script <<-'END'
	agent_tmp "$PWD/tmp"
	[ -z "$(ls -A tmp)" ] || exit 1
	[ "$(stat -c %a tmp)" = 700 ] || exit 1
	agent_tmp "/proc/tmp"
	END
	check() {
		[ "$(<err)" = 'an-agent: /proc/tmp: cannot be made' ]
		mkdir -p tmp
	}
	each 2
}

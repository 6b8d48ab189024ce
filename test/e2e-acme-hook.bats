#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# acme-order -H: hooks, DNS-01 and wildcards at the real pebble and step-ca.

load helper
load servers

setup_file() {
	start_dns
	start_step_ca
	start_pebble pebble PEBBLE_VA_NOSLEEP=1 PEBBLE_AUTHZREUSE=0
}

teardown_file() {
	end_servers
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	own_account
	mkkey -o key.pem
	export LOG=$PWD/calls
	# each call is a line in $LOG; TXT records go to challtestsrv
	cat >hook <<-'END'
	#!/bin/sh
	set -eu
	printf '%s\n' "$*" >>"$LOG"
	case $1.$2 in
	begin.dns-01) what=set-txt ;;
	done.dns-01) what=clear-txt ;;
	*) exit 1 ;;
	esac
	exec curl -sS -f -d "{\"host\": \"_acme-challenge.$3.\",
	    \"value\": \"$5\"}" "$DNS_MANAGE/$what"
	END
	chmod +x hook
}

teardown() {
	stop_bg
}

csr() {
	local args=() name
	for name; do
		args+=(-d "$name")
	done
	mkcsr -k key.pem "${args[@]}" >req.pem
}

pebble() {
	acme-order -Y -u "$PEBBLE" -A "$PEBBLE_ROOT" -a "$account" "$@" req.pem
}

step() {
	acme-order -u "$ACME" -A "$ROOT" -a "$account" "$@" req.pem
}

# Every begin that did not decline has its done, with the same words.
all_done() {
	diff <(sed -n 's/^begin \(dns-01 .*\)/\1/p' "$LOG" | sort) \
	    <(sed -n 's/^done \(dns-01 .*\)/\1/p' "$LOG" | sort)
}

@test "acme-order: 7.1.4 8.4 -H answers DNS-01 for a wildcard and its base name" {
	csr '*.a.example' a.example
	local ca
	for ca in pebble step; do
		: >calls
		run -0 --separate-stderr "$ca" -H ./hook
		[ -z "$stderr" ]
		echo "$output" >chain.pem
		run -0 cert-verify -n b.a.example chain.pem
		[ "$(grep -c '^begin dns-01 a.example ' calls)" -eq 2 ]
		all_done
	done
}

@test "acme-order: -H is asked for http-01 first and may decline" {
	csr a.example
	run -0 --separate-stderr pebble -H ./hook
	[[ "$(head -n 1 calls)" == "begin http-01 a.example "* ]]
	[[ "$(sed -n 2p calls)" == "begin dns-01 a.example "* ]]
	# what was declined is not taken away
	run -1 grep -c 'done http-01' calls
	all_done
}

@test "acme-order: 8.1 8.4 -H gets six words, VALUE is what the challenge wants" {
	csr a.example
	run -0 pebble -H ./hook
	read -r verb type ident token value more <calls
	[ "$verb $type $ident" = 'begin http-01 a.example' ]
	[ -z "$more" ]
	[[ $value == "$token."* ]]
	read -r _ _ _ _ txt < <(sed -n 2p calls)
	[[ $txt =~ ^[A-Za-z0-9_-]{43}$ ]]
}

@test "acme-order: 8.3 -H can serve http-01 too" {
	csr a.example
	mkdir -p web/.well-known/acme-challenge
	start_bg http01-serve -l "127.0.0.1:$HTTP_PORT" -w web
	wait_port "$HTTP_PORT"
	cat >hook <<-'END'
	#!/bin/sh
	[ "$2" = http-01 ] || exit 1
	f=web/.well-known/acme-challenge/$4
	case $1 in
	begin) printf %s "$5" >"$f" ;;
	done) rm "$f" ;;
	esac
	END
	run -0 --separate-stderr step -H ./hook
	[ -z "$(find web -type f)" ]
}

@test "acme-order: 8 -H that declines everything is an error that says what was offered" {
	csr a.example
	printf '#!/bin/sh\nexit 1\n' >hook
	run -2 --separate-stderr step -H ./hook
	[[ $stderr == "acme-order: a.example: no acceptable challenge; offered: "*"dns-01"* ]]
}

@test "acme-order: -H that fails or is missing is an error, done is called" {
	csr a.example
	printf '#!/bin/sh\necho "$1" >>"$LOG"\nexit 3\n' >hook
	run -2 --separate-stderr step -H ./hook
	[ -z "$output" ]
	assert_stderr_line 'acme-order: ./hook: begin failed with 3'
	[ "$(paste -sd' ' calls)" = 'begin done' ]
	run -2 --separate-stderr step -H ./nowhere
	assert_stderr_line 'acme-order: ./nowhere: No such file or directory'
}

@test "acme-order: -H that hangs is killed at the deadline, with its children" {
	csr a.example
	printf '#!/bin/sh\nsleep 321 &\necho $! >>child\nwait\n' >hook
	local begin=$SECONDS
	run -2 --separate-stderr step -m 2 -H ./hook
	[ $((SECONDS - begin)) -lt 15 ]
	assert_stderr_line 'acme-order: ./hook: begin took longer than 2 s'
	while read -r pid; do
		wait_for 5 gone "$pid"
	done <child
}

gone() {
	[ ! -e "/proc/$1" ] || grep -q '^State:.Z' "/proc/$1/status"
}

@test "acme-order: 8.4 -H done is called after TERM and after KILL" {
	csr a.example
	# nobody sees the record: the challenge stays pending
	sed -i 's/set-txt/set-servfail/' hook
	local sig
	for sig in TERM KILL; do
		: >calls
		start_bg acme-order -u "$ACME" -A "$ROOT" -a "$account" \
		    -H ./hook req.pem
		wait_line calls 'begin dns-01'
		kill -s "$sig" "$bg"
		wait_line calls 'done dns-01'
		all_done
	done
}

@test "acme-order: 8.4 etc/hooks/nsupdate answers DNS-01 at a real name server" {
	csr 'a.dns.example' '*.a.dns.example'
	start_knot "$PWD/knot" dns.example
	export NSUPDATE_KEY=$PWD/knot/tsig.key
	export NSUPDATE_SERVER="127.0.0.1 $KNOT"
	# pebble asks that name server
	DNS=$KNOT start_pebble knot PEBBLE_VA_NOSLEEP=1
	run -0 --separate-stderr pebble -H "$ECA_ROOT/etc/hooks/nsupdate"
	[ -z "$stderr" ]
	end_server knot
	# and nothing is left there
	run -0 sh -c 'dig +short -p "$1" @127.0.0.1 TXT \
	    _acme-challenge.a.dns.example' sh "$KNOT"
	[ -z "$output" ]
	# a wrong key is refused, and that is said
	sed -i 's/secret ".*"/secret "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="/' \
	    knot/tsig.key
	run -2 --separate-stderr step -H "$ECA_ROOT/etc/hooks/nsupdate"
	[[ $stderr == *"nsupdate: begin failed with 2"* ]]
}

@test "acme-order: etc/hooks/nsupdate takes no words that are none" {
	run -2 "$ECA_ROOT/etc/hooks/nsupdate" begin dns-01 'a b' t v
	run -2 "$ECA_ROOT/etc/hooks/nsupdate" begin dns-01
	run -1 "$ECA_ROOT/etc/hooks/nsupdate" begin http-01 a.example t v
}

@test "acme-order: etc/hooks/webroot-copy answers HTTP-01 somewhere else" {
	csr a.example
	mkdir web
	start_bg http01-serve -l "127.0.0.1:$HTTP_PORT" -w web
	wait_port "$HTTP_PORT"
	export WEBROOT=$PWD/web
	run -0 --separate-stderr step -H "$ECA_ROOT/etc/hooks/webroot-copy"
	[ -z "$stderr" ]
	[ -z "$(find web -type f)" ]
	# as if through ssh: the command gets one line
	printf '#!/bin/sh\necho "$#" >>words\nshift\nexec sh -c "$1"\n' >there
	chmod +x there
	export WEBROOT_RUN="./there host"
	run -0 --separate-stderr step -H "$ECA_ROOT/etc/hooks/webroot-copy"
	[ "$(sort -u words)" = 2 ]
	run -2 "$ECA_ROOT/etc/hooks/webroot-copy" begin http-01 a.example \
	    't;x' v
}

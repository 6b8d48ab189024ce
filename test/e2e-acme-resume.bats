#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# acme-order -j: orders that are cut off and go on, at the real step-ca and
# pebble.

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
	mkdir web
	mkkey -o key.pem
	mkcsr -k key.pem -d a.example >req.pem
	step=(-u "$ACME" -A "$ROOT" -a "$account" -e ev.json -j journal)
	pebble=(-Y -u "$PEBBLE" -A "$PEBBLE_ROOT" -a "$account" -e ev.json
	    -j journal)
}

teardown() {
	stop_bg
}

# Those that were made; pebble refuses a nonce now and then.
new_orders() {
	grep -c '/\(new-order\|order-plz\)","status":201' ev.json || true
}

# An order at step-ca that nobody answers, cut off by a signal.
cut_off() {
	start_bg acme-order "${step[@]}" -w web req.pem
	wait_line ev.json connection
	kill -s "$1" "$bg"
	wait "$bg" || true
	jq -e '.order | startswith("https://")' journal
	[ "$(new_orders)" -eq 1 ]
}

# The same order, answered now.
goes_on() {
	run -0 --separate-stderr acme-order "${step[@]}" \
	    -l "127.0.0.1:$HTTP_PORT" req.pem
	echo "$output" >chain.pem
	run -0 cert-verify -k key.pem -n a.example chain.pem
	[ "$(new_orders)" -eq "${1-1}" ]
	[ ! -s journal ]
}

@test "acme-order: -j goes on with an order that was cut off" {
	cut_off TERM
	[ "$(stat -c %a journal)" = 600 ]
	goes_on
}

@test "acme-order: -j goes on after kill -9 and a restart of the CA" {
	cut_off KILL
	rm -f web/.well-known/acme-challenge/*
	end_server step-ca
	run_step_ca
	goes_on
}

@test "acme-order: -j goes on after the deadline" {
	run -75 --separate-stderr acme-order "${step[@]}" -m 2 -w web req.pem
	[ -s journal ]
	goes_on
}

@test "acme-order: -j fetches a certificate that was issued and lost" {
	run -2 sh -c 'out=$1; shift; acme-order "$@" >"$out"' sh /dev/full \
	    "${step[@]}" -l "127.0.0.1:$HTTP_PORT" req.pem
	[ -s journal ]
	[ "$(new_orders)" -eq 1 ]
	# nothing has to be answered any more
	run -0 --separate-stderr acme-order "${step[@]}" -w web req.pem
	[[ $output == *"BEGIN CERTIFICATE"* ]]
	[ "$(new_orders)" -eq 1 ]
}

@test "acme-order: -j of another request, or junk, is a new order" {
	cut_off TERM
	mkcsr -k key.pem -d b.example >req.pem
	run -0 --separate-stderr acme-order "${step[@]}" \
	    -l "127.0.0.1:$HTTP_PORT" req.pem
	[ "$(new_orders)" -eq 2 ]
	head -c 3000 /dev/urandom >journal
	run -0 --separate-stderr acme-order "${step[@]}" \
	    -l "127.0.0.1:$HTTP_PORT" req.pem
	[ "$(new_orders)" -eq 3 ]
}

@test "acme-order: 7.1.6 -j leaves an order that has become invalid" {
	# pebble gives up on an order at once when nobody answers
	run -2 --separate-stderr acme-order "${pebble[@]}" -w web req.pem
	[ ! -s journal ]
	run -0 --separate-stderr acme-order "${pebble[@]}" \
	    -l "127.0.0.1:$PEBBLE_HTTP_PORT" req.pem
	[ "$(new_orders)" -eq 2 ]
	# one the server does not know
	jq -n --arg d "$ACME" --arg h "$(openssl req -in req.pem -outform DER |
	    sha256sum | cut -d' ' -f1)" --arg o "${ACME%directory}order/nix" \
	    '{directory: $d, csr_sha256: $h, order: $o}' >journal
	goes_on 3
}

@test "acme-order: -j is for one run at a time" {
	start_bg acme-order "${step[@]}" -w web req.pem
	wait_line ev.json connection
	run -75 --separate-stderr acme-order "${step[@]}" -w web req.pem
	[ "$stderr" = \
	    'acme-order: journal: busy: another process is at this order' ]
}

@test "acme-order: -j that is no file or cannot be made is refused" {
	mkdir journal
	run -2 --separate-stderr acme-order "${step[@]}" -w web req.pem
	[[ $stderr == "acme-order: journal: "* ]]
	rmdir journal
	mkfifo journal
	run -2 --separate-stderr acme-order "${step[@]}" -w web req.pem
	[[ $stderr == "acme-order: journal: not a regular file" ]]
	run -2 --separate-stderr acme-order "${step[@]}" -j none/journal \
	    -w web req.pem
	[[ $stderr == *"none/journal: No such file or directory" ]]
}

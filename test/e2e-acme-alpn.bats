#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# acme-order answers TLS-ALPN-01 by itself, and tries one type of challenge
# after the other, against the real step-ca and the real pebble.

load helper
load servers

setup_file() {
	start_dns
	start_step_ca
	start_pebble pebble -strict PEBBLE_VA_NOSLEEP=1 \
	    PEBBLE_WFE_NONCEREJECT=0 PEBBLE_AUTHZREUSE=0
	mkkey -o "$BATS_FILE_TMPDIR/key.pem"
}

teardown_file() {
	end_servers
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	key=$BATS_FILE_TMPDIR/key.pem
	own_account
}

teardown() {
	stop_bg
}

# From step-ca, from pebble; what answers is up to the caller.
step_order() {
	acme-order -u "$ACME" -A "$ROOT" -a "$account" -B "$ROOT" \
	    -e events.json "$@" req.pem
}

pebble_order() {
	acme-order -Y -u "$PEBBLE" -A "$PEBBLE_ROOT" -a "$account" \
	    -e events.json "$@" req.pem
}

# How many orders were made, as a server sees it.
new_orders() {
	jq -r "select(.event == \"request\" and .method == \"POST\" and
	    .status == 201) | .url" events.json | grep -c -i 'new-*order\|order-plz'
}

# peek [s_client options]: TLS to the responder; what it says goes to peek.txt.
peek() {
	timeout 10 openssl s_client -connect "127.0.0.1:$port" "$@" \
	    </dev/null >peek.txt 2>&1
}

# held [COMMAND...]: acme-order in the background, its answers in place, on
# $port; the CA asks elsewhere and fails for seconds.
held() {
	port=$(free_port)
	start_bg "$@" acme-order -v -u "$ACME" -A "$ROOT" -a "$account" \
	    -l "127.0.0.1:$port/tls" req.pem
	wait_line bg.0.log 'challenge: '
}

@test "acme-order: RFC 8737 step-ca and pebble issue by TLS-ALPN-01" {
	mkcsr -k "$key" -d one.example -d two.example -i 127.0.0.1 >req.pem
	step_order -l "127.0.0.1:$TLS_PORT/tls" >chain.pem
	cert-verify -B "$ROOT" -k "$key" -n two.example -n 127.0.0.1 chain.pem
	pebble_order -l "127.0.0.1:$PEBBLE_TLS_PORT/tls" >chain.pem
	pebble_issuer >issuer.pem
	cert-verify -B issuer.pem -k "$key" -n one.example -n 127.0.0.1 \
	    chain.pem
}

@test "acme-order: RFC 8737 the certificate has one name and the digest, critical" {
	mkcsr -k "$key" -d one.example -i ::1 >req.pem
	held
	peek -alpn acme-tls/1 -servername ONE.example -showcerts
	grep -qx 'ALPN protocol: acme-tls/1' peek.txt
	openssl x509 -in peek.txt -noout -ext subjectAltName >san.txt
	[ "$(sed -n '2s/ *//p' san.txt)" = DNS:one.example ]
	openssl x509 -in peek.txt -outform DER | openssl asn1parse \
	    -inform DER >der.txt
	grep -A 2 '1.3.6.1.5.5.7.1.31' der.txt >ext.txt
	grep -q 'BOOLEAN *:255' ext.txt
	grep -Eq 'HEX DUMP\]:0420[0-9A-F]{64}$' ext.txt
	# an address is asked for by its reverse name (RFC 8738)
	peek -alpn acme-tls/1 -showcerts -servername \
	    "1.$(printf '0.%.0s' {1..31})ip6.arpa"
	openssl x509 -in peek.txt -noout -ext subjectAltName |
	    grep -q 'IP Address:0:0:0:0:0:0:0:1'
}

@test "acme-order: RFC 8737 no other protocol, name or version is served" {
	mkcsr -k "$key" -d one.example >req.pem
	held
	run -1 peek -servername one.example
	grep -q 'alert number 120' peek.txt
	run -1 peek -alpn http/1.1 -servername one.example
	grep -q 'alert number 120' peek.txt
	run -1 peek -alpn acme-tls/1,h2 -servername one.example
	grep -q 'alert number 120' peek.txt
	run -1 peek -alpn acme-tls/1 -servername other.example
	grep -q 'alert number 112' peek.txt
	run -1 peek -alpn acme-tls/1 -noservername
	grep -q 'alert number 112' peek.txt
	run -1 peek -alpn acme-tls/1 -servername one.example -tls1_1 \
	    -cipher DEFAULT@SECLEVEL=0
	run -1 grep 'BEGIN CERTIFICATE' peek.txt
	# after the handshake comes the end, and junk is no handshake
	run -0 peek -alpn acme-tls/1 -servername one.example -tls1_2
	exec 9<>"/dev/tcp/127.0.0.1/$port"
	echo 'GET / HTTP/1.0' >&9
	timeout 5 cat <&9 >junk 2>&1 || [ $? -ne 124 ]
	exec 9>&-
	run -0 peek -alpn acme-tls/1 -servername one.example
}

# crowd N: that many connections that say nothing, while the CA is let in.
crowd() {
	local fds=() fd
	while [ "${#fds[@]}" -lt "$1" ]; do
		exec {fd}<>"/dev/tcp/127.0.0.1/$port"
		fds+=("$fd")
	done
	SECONDS=0
	peek -alpn acme-tls/1 -servername one.example
	[ "$SECONDS" -lt 5 ]
	for fd in "${fds[@]}"; do
		exec {fd}>&-
	done
}

@test "acme-order: more connections than it has room for do not keep the CA out" {
	mkcsr -k "$key" -d one.example >req.pem
	held
	crowd 80
}

@test "acme-order: more connections than descriptors do not keep the CA out" {
	mkcsr -k "$key" -d one.example >req.pem
	held prlimit --nofile=32
	crowd 50
}

@test "acme-order: pebble: where http-01 fails a new order tries tls-alpn-01" {
	mkcsr -k "$key" -d one.example -d two.example >req.pem
	run -0 --separate-stderr pebble_order -l "127.0.0.1:$(free_port)" \
	    -l "127.0.0.1:$PEBBLE_TLS_PORT/tls"
	[[ $stderr == *one.example:\ http-01\ invalid:\ connection:\ * ]]
	[[ $stderr == *two.example:\ http-01\ invalid:\ connection:\ * ]]
	[ "$(new_orders)" -eq 2 ]
	cert-verify -k "$key" -n one.example <<<"$output"
}

@test "acme-order: step-ca: where http-01 fails the same order tries tls-alpn-01" {
	mkcsr -k "$key" -d one.example >req.pem
	run -0 --separate-stderr step_order -l "127.0.0.1:$(free_port)" \
	    -l "127.0.0.1:$TLS_PORT/tls"
	[[ $stderr == *one.example:\ http-01\ failed:\ connection:\ * ]]
	[ "$(new_orders)" -eq 1 ]
	cert-verify -B "$ROOT" -k "$key" -n one.example <<<"$output"
}

@test "acme-order: the hook is asked when the own answers have failed" {
	mkcsr -k "$key" -d one.example >req.pem
	cat >hook <<-'END'
	#!/bin/sh
	echo "$1 $2" >>calls
	[ "$2" = dns-01 ] || exit 1
	exit 0
	END
	chmod +x hook
	run -2 --separate-stderr pebble_order -l "127.0.0.1:$(free_port)" \
	    -l "127.0.0.1:$(free_port)/tls" -H ./hook
	[[ $stderr == *"one.example: http-01 invalid: "* ]]
	[[ $stderr == *"one.example: tls-alpn-01 invalid: "* ]]
	[[ $stderr == *"one.example: dns-01 invalid: "* ]]
	[ "$(new_orders)" -eq 4 ]
	[ "$(<calls)" = "$(printf '%s\n' 'begin http-01' 'begin dns-01' \
	    'begin tls-alpn-01' 'done dns-01')" ]
}

@test "acme-order: 6.7 every name that fails is told with its own error" {
	mkcsr -k "$key" -d one.example -d two.example >req.pem
	for ca in step pebble; do
		run -2 --separate-stderr "${ca}_order" \
		    -l "127.0.0.1:$(free_port)/tls"
		[[ $stderr == *one.example:\ tls-alpn-01\ *connect* ]]
		[[ $stderr == *two.example:\ tls-alpn-01\ *connect* ]]
	done
}

@test "acme-order: TERM in the middle ends the responders too" {
	mkcsr -k "$key" -d one.example >req.pem
	held
	kill "$bg"
	wait_for 5 eval '! kill -0 $bg 2>/dev/null'
	wait_for 5 eval '! listening $port'
}

@test "acme-order: -l is addr:port or addr:port/tls" {
	mkcsr -k "$key" -d one.example >req.pem
	run -2 --separate-stderr step_order -l 127.0.0.1:0/udp
	assert_stderr_line \
	    'acme-order: -l 127.0.0.1:0/udp: not addr:port or addr:port/tls'
	run -2 --separate-stderr step_order -l "127.0.0.1:$TLS_PORT/tls" \
	    -l "127.0.0.1:$CA_PORT/tls"
	[[ $stderr == *"$CA_PORT"*"in use"* ]]
}

@test "acme-order: a new order has new digests for the names that were proven" {
	mkcsr -k "$key" -d one.example -d far.example >req.pem
	# nobody listens there; its records are set by a hook
	curl -sS -f -d '{"host": "far.example.", "addresses": ["127.0.0.9"]}' \
	    "$DNS_MANAGE/add-a"
	cat >hook <<-'END'
	#!/bin/sh
	[ "$2" = dns-01 ] || exit 1
	[ "$1" = begin ] || exit 0
	exec curl -sS -f -d "{\"host\": \"_acme-challenge.$3.\",
	    \"value\": \"$5\"}" "$DNS_MANAGE/set-txt"
	END
	chmod +x hook
	run -0 --separate-stderr pebble_order \
	    -l "127.0.0.1:$PEBBLE_TLS_PORT/tls" -H ./hook
	[[ $stderr == *far.example:\ tls-alpn-01\ invalid:\ *connect* ]]
	[[ $stderr != *one.example:* ]]
	[ "$(new_orders)" -eq 2 ]
	cert-verify -k "$key" -n one.example -n far.example <<<"$output"
}

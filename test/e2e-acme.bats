#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# acme-order against the real step-ca and the real pebble.

load helper
load servers

setup_file() {
	start_dns
	start_step_ca
	start_pebble pebble PEBBLE_VA_NOSLEEP=1 \
	    PEBBLE_WFE_NONCEREJECT=0 PEBBLE_AUTHZREUSE=0
	mkkey -o "$BATS_FILE_TMPDIR/account.pem"
	mkkey -o "$BATS_FILE_TMPDIR/key.pem"
}

teardown_file() {
	end_servers
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	key=$BATS_FILE_TMPDIR/key.pem
	account=$BATS_FILE_TMPDIR/account.pem
	web=$BATS_TEST_TMPDIR/web
	mkdir "$web"
}

teardown() {
	stop_bg
	# whatever happened, no challenge file stays
	[ -z "$(find "$web" -type f)" ]
}

# order [options]: of req.pem from step-ca, answered by itself.
order() {
	acme-order -u "$ACME" -A "$ROOT" -a "$account" -B "$ROOT" \
	    -l "127.0.0.1:$HTTP_PORT" "$@" req.pem
}

# The same from pebble.
pebble_order() {
	acme-order -Y -u "$PEBBLE" -A "$PEBBLE_ROOT" -a "$account" \
	    -l "127.0.0.1:$PEBBLE_HTTP_PORT" "$@" req.pem
}

# csr NAME...: req.pem for key.pem.
csr() {
	local args=() name
	for name; do
		args+=(-d "$name")
	done
	mkcsr -k "$key" "${args[@]}" >req.pem
}

# requests EVENTS: how many were made.
requests() {
	grep -c '"event":"request"' "$1"
}

# listener: an HTTP-01 server of its own on step-ca's port, for $web.
listener() {
	start_bg http01-serve -v -l "127.0.0.1:$HTTP_PORT" -w "$web"
	wait_port "$HTTP_PORT"
}

ask_double() {
	acme-order -u "https://127.0.0.1:$port/dir" -A "$CA/root.pem" \
	    -a "$account" -w "$web" req.pem
}

@test "acme-order: 8.3 step-ca issues for one name, answered by itself" {
	csr a.example
	run -0 --separate-stderr order
	[ -z "$stderr" ]
	echo "$output" >chain.pem
	run -0 cert-verify -B "$ROOT" -k "$key" -n a.example -p server chain.pem
	[ "$(grep -c BEGIN chain.pem)" -eq 2 ]
}

@test "acme-order: 8.3 step-ca issues through a webroot" {
	csr a.example
	listener
	run -0 --separate-stderr acme-order -u "$ACME" -A "$ROOT" \
	    -a "$account" -w "$web" req.pem
	echo "$output" >chain.pem
	run -0 cert-verify -B "$ROOT" -k "$key" -n a.example chain.pem
	[ "$(stat -c %a "$web/.well-known/acme-challenge")" = 755 ]
}

@test "acme-order: the request may come from stdin" {
	csr a.example
	run -0 --separate-stderr acme-order -u "$ACME" -A "$ROOT" \
	    -a "$account" -l "127.0.0.1:$HTTP_PORT" <req.pem
	[[ $output == *"BEGIN CERTIFICATE"* ]]
}

@test "acme-order: one name from step-ca costs 7 requests, 8 the first time" {
	csr a.example
	account=$PWD/fresh.pem
	run -0 --separate-stderr order -e new.json
	assert_stderr_line "acme-order: $account: made a new account key (P-256)"
	[ "$(stat -c %a fresh.pem)" = 600 ]
	[ "$(requests new.json)" -eq 8 ]
	grep -qF "$ACME https://" fresh.pem.accounts
	run -0 --separate-stderr order -e known.json
	[ "$(requests known.json)" -eq 7 ]
}

@test "acme-order: 7.1.3 7.4 three names from step-ca cost 11 requests" {
	csr a.example b.example c.example
	order >chain.pem
	run -0 --separate-stderr order -e ev.json
	[ "$(requests ev.json)" -eq 11 ]
	echo "$output" >chain.pem
	for name in a.example b.example c.example; do
		run -0 cert-verify -B "$ROOT" -n "$name" chain.pem
	done
}

@test "acme-order: one name from pebble costs 9 requests" {
	csr a.example
	pebble_order >chain.pem
	# pebble reuses a valid authorization now and then, which costs fewer
	local try
	for try in 1 2 3 4 5; do
		pebble_order -e "ev$try.json" >chain.pem
		n=$(requests "ev$try.json")
		# a slow machine asks the same again
		run -0 jq -r 'select(.event == "request") |
		    .method + .url' "ev$try.json"
		[ "$(sort -u <<<"$output" | wc -l)" -le 9 ]
		[ "$n" -ne 9 ] || return 0
	done
	return 1
}

@test "acme-order: RFC 8738 3 an RSA-2048 key and an IP address do" {
	mkkey -t rsa2048 -o rsa.pem
	mkcsr -k rsa.pem -d a.example -i 127.0.0.1 >req.pem
	key=rsa.pem
	run -0 --separate-stderr order
	echo "$output" >chain.pem
	run -0 cert-verify -B "$ROOT" -k rsa.pem -n 127.0.0.1 chain.pem
	run -0 --separate-stderr pebble_order
}

@test "acme-order: 6.2 account keys of all kinds sign" {
	csr a.example
	local type
	for type in rsa2048 P-384 Ed25519; do
		mkkey -t "$type" -o "account-$type.pem"
		account=$PWD/account-$type.pem
		run -0 --separate-stderr order
	done
}

@test "acme-order: the chain is held against -B" {
	csr a.example
	pebble_issuer >issuer.pem
	run -0 --separate-stderr pebble_order -B issuer.pem
	run -2 --separate-stderr pebble_order -B "$PEBBLE_ROOT"
	[ -z "$output" ]
	assert_stderr_line "acme-order: certificate: what the CA issued is not \
accepted: untrusted"
}

@test "acme-order: what is not valid at -T is refused" {
	csr a.example
	run -2 --separate-stderr order -T 4000000000
	[ -z "$output" ]
	[[ $stderr == *"not accepted: expired"* ]]
}

@test "acme-order: 7.3 terms of service are agreed to with -Y only" {
	csr a.example
	mkkey -o new.pem
	account=$PWD/new.pem
	run -2 --separate-stderr acme-order -u "$PEBBLE" -A "$PEBBLE_ROOT" \
	    -a new.pem -w "$web" req.pem
	[[ $stderr == *"-Y agrees to the terms of service, "* ]]
	[ ! -e new.pem.accounts ]
	run -0 --separate-stderr pebble_order
}

@test "acme-order: 7.3.1 an account the server has forgotten is made again" {
	csr a.example
	account=$PWD/kept.pem
	pebble_order >chain.pem
	end_server pebble
	start_pebble pebble PEBBLE_VA_NOSLEEP=1 PEBBLE_WFE_NONCEREJECT=0 \
	    PEBBLE_AUTHZREUSE=0
	old=$(<kept.pem.accounts)
	run -0 --separate-stderr pebble_order
	[ "$old" != "$(<kept.pem.accounts)" ]
	[ "$(wc -l <kept.pem.accounts)" -eq 1 ]
}

@test "acme-order: 6.5 pebble as it comes and one that refuses every second nonce" {
	csr a.example b.example c.example
	start_pebble chaos -strict
	for _ in 1 2; do
		run -0 --separate-stderr pebble_order
	done
	start_pebble nonces PEBBLE_VA_NOSLEEP=1 PEBBLE_WFE_NONCEREJECT=50
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		run -0 --separate-stderr pebble_order
	done
	end_server chaos
	end_server nonces
}

@test "acme-order: a name nobody serves is told by step-ca's own words" {
	csr a.example
	run -2 --separate-stderr acme-order -u "$ACME" -A "$ROOT" \
	    -a "$account" -w "$web" req.pem
	[ -z "$output" ]
	assert_stderr_line "acme-order: a.example: http-01 failed: connection: \
The server could not connect to validation target"
}

@test "acme-order: 8.2 a challenge that fails at first is tried again" {
	csr a.example
	acme-order -u "$ACME" -A "$ROOT" -a "$account" -w "$web" -e ev.json \
	    req.pem >chain.pem 3>&- 4>&- &
	local pid=$!
	wait_line ev.json connection
	listener
	wait "$pid"
	run -0 cert-verify -B "$ROOT" -n a.example chain.pem
}

@test "acme-order: 7.5.1 a name nobody serves fails at pebble" {
	csr a.example
	run -2 --separate-stderr acme-order -Y -u "$PEBBLE" -A "$PEBBLE_ROOT" \
	    -a "$account" -w "$web" req.pem
	[[ $stderr == *"a.example: http-01 invalid: connection: "* ]]
}

@test "acme-order: an answer that takes 18 seconds is waited for" {
	csr a.example
	listener
	kill -STOP "$bg"
	acme-order -u "$ACME" -A "$ROOT" -a "$account" -w "$web" -e ev.json \
	    req.pem >chain.pem 2>err 3>&- 4>&- &
	local pid=$!
	sleep 18
	kill -CONT "$bg"
	wait "$pid" || { cat err >&2; return 1; }
	grep -q '"error":' ev.json	# step-ca cut the connection
	run -0 cert-verify -B "$ROOT" -n a.example chain.pem
}

@test "acme-order: the deadline ends everything with 75" {
	csr a.example
	run -75 --separate-stderr acme-order -m 2 -u "$ACME" -A "$ROOT" \
	    -a "$account" -w "$web" req.pem
	[ -z "$output" ]
	assert_stderr_line "acme-order: a.example: deadline reached; last error: \
connection: The server could not connect to validation target"
}

@test "acme-order: 8.3 TERM and INT in the middle leave nothing behind" {
	csr a.example b.example
	local sig pid rc
	for sig in TERM INT HUP; do
		start_bg acme-order -u "$ACME" -A "$ROOT" -a "$account" \
		    -w "$web" req.pem
		pid=$bg
		wait_for 10 sh -c "[ \"\$(find '$web' -type f | wc -l)\" = 2 ]"
		kill -s "$sig" "$pid"
		rc=0
		wait "$pid" || rc=$?
		[ "$(kill -l "$rc")" = "$sig" ]
		[ -z "$(find "$web" -type f)" ]
	done
	run -1 pgrep -f "acme-order.*$BATS_TEST_TMPDIR"
}

@test "acme-order: 6.1 a wrong anchor is an error" {
	csr a.example
	run -2 --separate-stderr acme-order -u "$ACME" -A "$CA/root.pem" \
	    -a "$account" -w "$web" req.pem
	[[ $stderr == *"$ACME: SSL certificate problem"* ]]
	[ "${#stderr_lines[@]}" -eq 1 ]
}

@test "acme-order: a CA that is down is 75" {
	csr a.example
	run -75 --separate-stderr acme-order -u "https://localhost:$(free_port)/d" \
	    -A "$ROOT" -a "$account" -w "$web" req.pem
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ $stderr == "acme-order: https://localhost:"*"/d: "* ]]
}

@test "acme-order: step-ca knows an account by one host name only" {
	csr a.example
	order >chain.pem
	run -2 --separate-stderr acme-order \
	    -u "https://127.0.0.1:$CA_PORT/acme/acme/directory" -A "$ROOT" \
	    -a "$account" -w "$web" req.pem
	[[ $stderr == *"newOrder: 401 unauthorized: "* ]]
	# each directory has its own line
	[ "$(grep -c "$CA_PORT" "$account.accounts")" -eq 2 ]
	order >chain.pem
}

@test "acme-order: garbage from the server is an error" {
	csr a.example
	double 'location / { return 200 "<html>hello\033[31m</html>"; }'
	run -2 --separate-stderr ask_double
	[[ $stderr == *"/dir: not an ACME directory but: <html>hello"* ]]
	[[ $stderr != *$'\033'* ]]
}

@test "acme-order: 6.1 a directory with http URLs is refused" {
	csr a.example
	double 'location / { return 200 "{\"newNonce\":\"http://x/\"}"; }'
	run -2 --separate-stderr ask_double
	[[ $stderr == *"not an ACME directory: no https URL newNonce"* ]]
}

@test "acme-order: an answer over the limit is refused" {
	csr a.example
	head -c 3000000 /dev/zero | tr '\0' ' ' >dir
	double "root $PWD;"
	run -2 --separate-stderr ask_double
	[[ $stderr == *"answer larger than the limit of 1048576 bytes"* ]]
}

@test "acme-order: 6.6 429 and 503 are 75 and say when to come back" {
	csr a.example
	double 'location / { default_type application/problem+json;
		add_header Retry-After 3600 always;
		return 429 "{\"type\":\"urn:ietf:params:acme:error:rateLimited\",\"detail\":\"slowly\"}"; }'
	run -75 --separate-stderr ask_double
	[[ ${stderr_lines[0]} == *"/dir: 429 "* ]]
	[[ ${stderr_lines[-1]} =~ ^retry-at:\ 20[0-9-]+T[0-9:]+Z$ ]]
	stop_bg "$bg"
	double 'location / { add_header Retry-After
		"Fri, 31 Dec 2100 23:59:59 GMT" always; return 503; }'
	run -75 --separate-stderr ask_double
	[ "${stderr_lines[-1]}" = 'retry-at: 2100-12-31T23:59:59Z' ]
	stop_bg "$bg"
	double 'location / { return 500; }'
	run -75 --separate-stderr ask_double
	[ "${#stderr_lines[@]}" -eq 1 ]
}

@test "acme-order: 6.6 a rate limit in the middle is 75 with its time" {
	csr a.example
	double 'set $base https://$server_addr:$server_port;
		location = /dir { return 200 "{\"newNonce\":\"$base/n\",\"newAccount\":\"$base/a\",\"newOrder\":\"$base/o\"}"; }
		location = /n { add_header Replay-Nonce abc always; return 204; }
		location = /a { add_header Replay-Nonce abd always;
			add_header Retry-After 60 always;
			default_type application/problem+json;
			return 429 "{\"type\":\"urn:ietf:params:acme:error:rateLimited\",\"detail\":\"too many \\u001b[31m\"}"; }'
	run -75 --separate-stderr ask_double
	[[ ${stderr_lines[0]} == "acme-order: newAccount: 429 rateLimited: too many \\x1b[31m" ]]
	[[ ${stderr_lines[1]} == "retry-at: "* ]]
}

@test "acme-order: a full disk under the webroot is an error" {
	csr a.example
	run -2 --separate-stderr unshare -rm sh -c '
		mount -t tmpfs -o size=16k tmpfs "$1" &&
		mkdir -p "$1/.well-known/acme-challenge" &&
		{ head -c 16384 /dev/zero >"$1/fill" || :; } 2>/dev/null
		shift; exec "$@"' sh "$web" acme-order -u "$ACME" -A "$ROOT" \
	    -a "$account" -w "$web" req.pem
	[[ $stderr == *"No space left on device"* ]]
}

@test "acme-order: a webroot that cannot be written is an error" {
	csr a.example
	run -2 --separate-stderr unshare -rm sh -c '
		mount -t tmpfs -o ro tmpfs "$1"; shift; exec "$@"' sh "$web" \
	    acme-order -u "$ACME" -A "$ROOT" -a "$account" -w "$web" req.pem
	[[ $stderr == *"web/.well-known"*"Read-only file system"* ]]
}

@test "acme-order: a chain that cannot be written is an error" {
	csr a.example
	run -2 --separate-stderr sh -c '
		acme-order -u "$ACME" -A "$ROOT" -a "$1" \
		    -l "127.0.0.1:$HTTP_PORT" req.pem >/dev/full' sh "$account"
	assert_stderr_line 'acme-order: stdout: No space left on device'
}

@test "acme-order: -v and -e tell the story and no secret" {
	csr a.example
	order >chain.pem
	run -0 --separate-stderr order -v -e ev.json
	[[ $stderr == *"challenge: a.example: valid"* ]]
	run -0 jq -s -c 'map(select(.event == "request" and .status < 300 and
	    .duration_ms >= 0 and (.url | startswith("https://")))) | length' \
	    ev.json
	[ "$output" -eq 7 ]
	run -0 jq -r 'select(.object == "order") | .status' ev.json
	[ "$output" = "pending
valid" ]
	run -1 grep -c PRIVATE ev.json
}

@test "acme-order: 11.1 the account key in the request is refused" {
	mkcsr -k "$account" -d a.example >req.pem
	run -2 --separate-stderr order
	[[ $stderr == *"the request is for the account key"* ]]
}

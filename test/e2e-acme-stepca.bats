#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# acme-order and a step-ca that has trouble of its own, or has it with us.

load helper
load servers

setup_file() {
	start_dns
	start_step_ca
	mkkey -o "$BATS_FILE_TMPDIR/account.pem"
}

teardown_file() {
	end_servers
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	account=$BATS_FILE_TMPDIR/account.pem
	mkdir web
	mkkey -o key.pem
}

teardown() {
	stop_bg
	[ -s "$BATS_FILE_TMPDIR/step-ca.pid" ] || run_step_ca
	# whatever happened, no challenge file stays
	[ -z "$(find web -type f)" ]
}

# csr NAME...
csr() {
	mkcsr -k key.pem "${@/#/-d}" >req.pem
}

# order ARGS...: of req.pem, answered by itself.
order() {
	order_web -l "127.0.0.1:$HTTP_PORT" "$@"
}

# order_web ARGS...: answered as they say.
order_web() {
	acme-order -u "$ACME" -A "$ROOT" -a "$account" -B "$ROOT" -e ev.json \
	    "$@" req.pem
}

responder() {
	start_bg http01-serve -l "127.0.0.1:$HTTP_PORT" -w web
	wait_port "$HTTP_PORT"
}

# requests PATTERN: how many were made to such URLs.
requests() {
	jq -s --arg pattern "$1" 'map(select(.event == "request" and
	    (.url | test($pattern)))) | length' ev.json
}

# dns WHAT JSON: challtestsrv is told.
dns() {
	curl -sS -f -d "$2" "$DNS_MANAGE/$1"
}

@test "acme-order: 7.3.1 an account that step-ca lost is made again, which is told" {
	csr a.example
	order >chain.pem
	was=$(grep -F "$ACME " "$account.accounts")
	end_server step-ca
	rm -r "$CA_DIR/db"
	mkdir "$CA_DIR/db"
	run_step_ca
	: >ev.json
	run -0 --separate-stderr order -v
	[[ $stderr == *"account: ${was#* }: gone"* ]]
	now=$(grep -F "$ACME " "$account.accounts")
	[ "$now" != "$was" ]
	run -0 jq -r '.problem.type // empty' ev.json
	[ "$output" = urn:ietf:params:acme:error:accountDoesNotExist ]
	run -0 jq -r 'select(.object == "account") | .name + " " + .status' \
	    ev.json
	[ "$output" = "${was#* } gone
${now#* } valid" ]
	# and now it is known
	: >ev.json
	run -0 --separate-stderr order
	[ "$(requests /new-account)" -eq 0 ]
}

@test "acme-order: 7.1.1 an ACME provisioner that is not there is named" {
	local ca=$CA_DIR/config/ca.json
	csr a.example
	run -2 --separate-stderr order -u "${ACME/acme\/acme/acme/other}"
	[ -z "$output" ]
	[ "$stderr" = "acme-order: ${ACME/acme\/acme/acme/other}: 404 notFound: \
resource not found" ]
	# a CA that has none at all
	end_server step-ca
	cp "$ca" ca.json
	jq '.authority.provisioners |= map(select(.type != "ACME"))' ca.json \
	    >"$ca"
	run_step_ca
	run -2 --separate-stderr order
	end_server step-ca
	cp ca.json "$ca"
	[ "$stderr" = "acme-order: $ACME: 404 notFound: resource not found" ]
}

@test "acme-order: 7.1.3 step-ca reuses nothing: the second order is answered too" {
	csr a.example
	order >chain.pem
	cp ev.json first.json
	: >ev.json
	run -0 --separate-stderr order
	[ "$(requests /challenge/)" -eq 1 ]
	run -0 jq -r 'select(.url // "" | test("/authz/")) | .url' first.json \
	    ev.json
	[ "$(sort -u <<<"$output" | wc -l)" -eq 2 ]
}

@test "acme-revoke: 7.6 a certificate of step-ca, by the account or its own key" {
	csr a.example
	order >chain.pem
	mkkey -o other.pem
	acme-account -u "$ACME" -A "$ROOT" -a other.pem new >other.json
	run -2 --separate-stderr acme-revoke -u "$ACME" -A "$ROOT" \
	    -a other.pem chain.pem
	[[ $stderr == "acme-revoke: revokeCert: 403 unauthorized: "* ]]
	run -0 --separate-stderr acme-revoke -u "$ACME" -A "$ROOT" \
	    -a "$account" chain.pem
	[ -z "$stderr" ]
	order >chain.pem
	run -0 --separate-stderr acme-revoke -u "$ACME" -A "$ROOT" \
	    -k key.pem chain.pem
	[ -z "$stderr" ]
	# none of that is in the way of a new one
	run -0 --separate-stderr order
}

@test "acme-order: 8.2 one name of three comes late and is asked again, alone" {
	csr a.example late.example c.example
	dns add-a '{"host": "late.example", "addresses": ["127.0.0.9"]}'
	responder
	order_web -w web -e ev.json >chain.pem 2>err 3>&- 4>&- &
	local pid=$!
	wait_line ev.json connection
	dns clear-a '{"host": "late.example"}'
	wait "$pid"
	[ ! -s err ]
	run -0 cert-verify -B "$ROOT" -n late.example chain.pem
	[ "$(requests /new-order)" -eq 1 ]
	run -0 jq -r 'select(.object == "challenge") | .name + " " +
	    (.status | sub(":.*"; ""))' ev.json
	[ "$(sort <<<"$output")" = "a.example valid
c.example valid
late.example connection
late.example valid" ]
}

# step-ca calls the challenge invalid and the authorization pending, for a day.
@test "acme-order: 7.5.1 a wrong answer to the challenge fails at once" {
	csr a.example
	responder
	cat >hook <<-'END'
	#!/bin/sh
	mkdir -p web/.well-known/acme-challenge
	cd web/.well-known/acme-challenge
	case "$1 $2" in
	'begin http-01') printf %s "$4.wrong" >"$4" ;;
	'done http-01') rm "$4" ;;
	*) exit 1 ;;
	esac
	END
	chmod 755 hook
	SECONDS=0
	run -2 --separate-stderr order_web -H ./hook
	[ "$SECONDS" -le 5 ]
	[ -z "$output" ]
	[ "$stderr" = "acme-order: a.example: http-01 invalid: \
rejectedIdentifier: The server will not issue certificates for the identifier" ]
	[ "$(requests /challenge/)" -eq 1 ]
}

@test "acme-order: 6.7 a validity beyond step-ca's claims is refused in its words" {
	csr a.example
	run -75 --separate-stderr order -z 2100-01-01T00:00:00Z
	[ -z "$output" ]
	[ "$stderr" = "acme-order: finalize: 500 serverInternal: \
The server experienced an internal error" ]
	[ "$(requests /finalize)" -eq 1 ]
	run -0 --separate-stderr order -z "$(date -u -d '1 hour' +%FT%TZ)"
}

@test "acme-order: a step-ca restarted in the middle is waited for" {
	csr a.example
	order_web -w web >chain.pem 2>err 3>&- 4>&- &
	local pid=$!
	wait_line ev.json connection
	end_server step-ca
	# longer than a moment
	wait_for 15 refused_connections 7
	responder
	run_step_ca
	wait "$pid"
	[ ! -s err ]
	run -0 cert-verify -B "$ROOT" -k key.pem -n a.example chain.pem
	[ "$(requests /new-order)" -eq 1 ]
}

refused_connections() {
	[ "$(grep -c 'Failed to connect' ev.json)" -ge "$1" ]
}

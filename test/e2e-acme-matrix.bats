#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# acme-order against pebbles of all kinds.  A number in a title is a section of
# RFC 8555.  The nine rows hold every pair of values of the four things that
# make a row; test/long-acme-matrix.bats has all of them.

load helper
load servers
load matrix

setup_file() {
	start_dns
}

teardown_file() {
	end_servers
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

teardown() {
	stop_bg
	end_server pebble
	# whatever happened, no challenge file stays
	[ -z "$(find . -path '*/acme-challenge/*')" ]
}

@test "acme-order: 6.5 issues 8 of 8 when pebble refuses 90 % of the nonces" {
	pebble_of PEBBLE_VA_NOSLEEP=1 PEBBLE_WFE_NONCEREJECT=90 \
	    PEBBLE_AUTHZREUSE=0 -strict
	issue 1 8 1
	[ "$(refused 1 8)" -ge $((3 * $(accepted 1 8))) ]
}

@test "acme-order: 6.5 issues 50 of 50 when pebble refuses 50 % of the nonces" {
	pebble_of PEBBLE_VA_ALWAYS_VALID=1 PEBBLE_VA_NOSLEEP=1 \
	    PEBBLE_WFE_NONCEREJECT=50 PEBBLE_AUTHZREUSE=0
	issue 1 50 1
	[ "$(refused 1 50)" -ge $(($(accepted 1 50) / 3)) ]
}

@test "acme-order: 6.5 no nonce refused: -strict or not, reuse, chain length" {
	row 0 lax 0 1
	row 0 strict 50 2
	row 0 lax 100 3
}

@test "acme-order: 6.5 every second nonce: -strict or not, reuse, chain length" {
	row 50 strict 0 3
	row 50 lax 50 1
	row 50 strict 100 2
}

@test "acme-order: 6.5 one nonce in ten: -strict or not, reuse, chain length" {
	row 90 lax 0 2
	row 90 lax 50 3
	row 90 strict 100 1
}

# order ARGS...: of req.pem, answered by itself.
order() {
	acme-order -Y -u "$PEBBLE" -A "$PEBBLE_ROOT" -a account.pem \
	    -l "127.0.0.1:$PEBBLE_HTTP_PORT" -e ev.json "$@" req.pem
}

csr() {
	[ -e key.pem ] || mkkey -o key.pem
	[ -e account.pem ] || mkkey -o account.pem
	mkcsr -k key.pem "${@/#/-d}" >req.pem
}

@test "acme-order: 7.1.3 an order that is ready at once costs five requests" {
	start_pebble pebble PEBBLE_VA_NOSLEEP=1 PEBBLE_AUTHZREUSE=100 \
	    PEBBLE_WFE_NONCEREJECT=0 -strict
	csr a.example b.example
	order >chain.pem
	: >ev.json
	# nobody is there to answer a challenge
	mkdir web
	run -0 --separate-stderr acme-order -u "$PEBBLE" -A "$PEBBLE_ROOT" \
	    -a account.pem -w web -e ev.json req.pem
	[ -z "$stderr" ]
	run -0 jq -r 'select(.object == "order") | .status' ev.json
	[ "${lines[0]}" = ready ]
	# directory, nonce, order, finalize, certificate; and polls
	run -0 jq -r 'select(.event == "request") | .url |
	    select(test("/my-order/") | not) | sub(".*:[0-9]+/"; "") |
	    sub("/.*"; "")' ev.json
	[ "$output" = 'dir
nonce-plz
order-plz
finalize-order
certZ' ]
}

@test "acme-order: 7.5.1 validations that take their time are waited for at once" {
	start_pebble pebble PEBBLE_VA_SLEEPTIME=3 PEBBLE_AUTHZREUSE=0 -strict
	csr {a,b,c,d,e,f,g,h,i,j,k,l}.example
	# each takes up to 2 seconds
	SECONDS=0
	run -0 --separate-stderr order
	[ "$SECONDS" -le 5 ]
}

# Pebble says it of an authorization while a challenge is processing.
@test "acme-order: 7.5.1 Retry-After is kept, but not beyond the deadline" {
	start_pebble pebble PEBBLE_VA_SLEEPTIME=3 PEBBLE_AUTHZREUSE=0 \
	    '{"retryAfter": {"authz": 86400, "order": 86400}}'
	csr {a,b,c,d,e,f,g,h,i,j,k,l}.example
	# half of the time that is left, though the order is ready before
	SECONDS=0
	run -0 --separate-stderr order -m 10
	[ "$SECONDS" -ge 4 ]
	[ "$SECONDS" -le 10 ]
}

@test "acme-order: 7.5.1 a validation without end ends at the deadline" {
	csr a.example b.example
	start_pebble pebble PEBBLE_VA_SLEEPTIME=100000000 \
	    '{"retryAfter": {"authz": 86400, "order": 86400}}'
	SECONDS=0
	run -75 --separate-stderr order -m 3
	[ -z "$output" ]
	[ "$stderr" = \
	    'acme-order: order: deadline reached while it is pending' ]
	[ "$SECONDS" -le 4 ]
}

# Pebble issues whatever validity it is asked for.
@test "acme-order: 7.4 a validity that makes no sense is issued and refused" {
	local why
	start_pebble pebble PEBBLE_VA_ALWAYS_VALID=1 PEBBLE_VA_NOSLEEP=1
	csr a.example
	while read -r why words; do
		# shellcheck disable=SC2086	# words they are
		run -2 --separate-stderr order $words
		[ -z "$output" ]
		[ "$stderr" = "acme-order: certificate: what the CA issued is \
not accepted: $why" ]
	done <<-'END'
	expired -z 2001-01-01T00:00:00Z
	expired -b 2000-01-01T00:00:00Z -z 2001-01-01T00:00:00Z
	not_yet_valid -b 2100-01-01T00:00:00Z
	not_yet_valid -b 2100-01-02T00:00:00Z -z 2100-01-01T00:00:00Z
	END
	run -0 --separate-stderr order -b 2001-01-01T00:00:00Z \
	    -z 9999-12-31T23:59:59Z
}

@test "acme-order: 6.7.1 a name on the block list is refused in pebble's words" {
	start_pebble pebble PEBBLE_VA_NOSLEEP=1 \
	    '{"domainBlocklist": ["blocked.example"]}'
	csr blocked.example
	run -2 --separate-stderr order
	[ -z "$output" ]
	[[ $stderr == "acme-order: newOrder: 400 rejectedIdentifier: "* ]]
	[[ $stderr == *"; blocked.example: rejectedIdentifier: "* ]]
	csr a.example www.blocked.example
	run -2 --separate-stderr order
	[[ $stderr == *"; www.blocked.example: rejectedIdentifier: "* ]]
	[ "${#stderr_lines[@]}" -eq 1 ]
	csr a.example notblocked.example
	run -0 --separate-stderr order
}

@test "acme-order: 7.3.4 an account without a binding is refused, with one it orders" {
	local mac=zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W
	start_pebble pebble PEBBLE_VA_NOSLEEP=1 PEBBLE_WFE_NONCEREJECT=50 \
	    "{\"externalAccountBindingRequired\": true,
	    \"externalAccountMACKeys\": {\"kid-1\": \"$mac\"}}" -strict
	csr a.example
	run -2 --separate-stderr order
	[ -z "$output" ]
	[[ $stderr == "acme-order: newAccount: 403 externalAccountRequired: "* ]]
	umask 077
	echo "{\"kid\": \"kid-1\", \"mac\": \"$mac\"}" >eab.json
	acme-account -Y -u "$PEBBLE" -A "$PEBBLE_ROOT" -a account.pem \
	    -E eab.json new
	run -0 --separate-stderr order
	[ -z "$stderr" ]
}

@test "acme-order: 7.4.2 -L takes each root by fingerprint, long chains and lost nonces" {
	local i sha
	pebble_of PEBBLE_VA_NOSLEEP=1 PEBBLE_WFE_NONCEREJECT=50 \
	    PEBBLE_ALTERNATE_ROOTS=2 PEBBLE_CHAIN_LENGTH=3 -strict
	for i in 0 1 2; do
		curl -sS -f --cacert "$PEBBLE_ROOT" "$PEBBLE_MANAGE/roots/$i" \
		    >"root$i.pem"
	done
	cat root?.pem >issuer.pem
	for i in 0 1 2; do
		sha=$(openssl x509 -in "root$i.pem" -noout -fingerprint \
		    -sha256 | tr -d : | cut -d= -f2)
		issue "$i" "$i" 2 -L "$sha"
		cp "root$i.pem" issuer.pem
		chain_of "$i/chain.pem" 3
		cat root?.pem >issuer.pem
	done
}

@test "acme-order: a profile for each order, on one account" {
	pebble_of PEBBLE_VA_NOSLEEP=1 PEBBLE_AUTHZREUSE=100 '{"profiles": {
		"hour": {"description": "h", "validityPeriod": 3600},
		"year": {"description": "y", "validityPeriod": 31536000}}}'
	issue 1 1 1 -P hour
	issue 2 2 1 -P year
	run -0 jq -rs 'map((.[0].not_after | fromdate) -
	    (.[0].not_before | fromdate) + 1) | @csv' \
	    <(cert-expiry 1/chain.pem | jq -s .) \
	    <(cert-expiry 2/chain.pem | jq -s .)
	[ "$output" = 3600,31536000 ]
}

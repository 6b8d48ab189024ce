#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What comes after an order, at the real pebble and the real step-ca: renewal
# information and revocation.

load helper
load servers

setup_file() {
	start_dns
	start_step_ca
	start_pebble pebble PEBBLE_VA_NOSLEEP=1 PEBBLE_AUTHZREUSE=0
	mkkey -o "$BATS_FILE_TMPDIR/account.pem"
}

teardown_file() {
	end_servers
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	account=$BATS_FILE_TMPDIR/account.pem
	pebble=(-u "$PEBBLE" -A "$PEBBLE_ROOT")
	step=(-u "$ACME" -A "$ROOT")
}

# issue pebble|step: key.pem and chain.pem for a.example.
issue() {
	mkkey -o key.pem
	mkcsr -k key.pem -d a.example >req.pem
	case $1 in
	pebble) acme-order -Y "${pebble[@]}" -a "$account" \
	    -l "127.0.0.1:$PEBBLE_HTTP_PORT" req.pem >chain.pem ;;
	step) acme-order "${step[@]}" -a "$account" \
	    -l "127.0.0.1:$HTTP_PORT" req.pem >chain.pem ;;
	esac
}

# suggest JSON: what pebble will say of chain.pem from now on.
suggest() {
	jq -n --rawfile cert chain.pem --arg text "$1" '{
		Certificate: ($cert | split("-----END CERTIFICATE-----")[0] +
		    "-----END CERTIFICATE-----\n"),
		ARIResponse: $text}' >ari.json
	curl -sS -f --cacert "$PEBBLE_ROOT" -d @ari.json \
	    "$PEBBLE_MANAGE/set-renewal-info/"
}

# window FROM TO: the same as a window, both as date -d reads them.
window() {
	suggest "{\"suggestedWindow\": {
	    \"start\": \"$(date -u -d "$1" +%FT%TZ)\",
	    \"end\": \"$(date -u -d "$2" +%FT%TZ)\"},
	    \"explanationURL\": \"https://ca.example/why\"}"
}

# The state pebble has for chain.pem.
pebble_status() {
	local serial
	serial=$(openssl x509 -in chain.pem -noout -serial)
	curl -sS -f --cacert "$PEBBLE_ROOT" \
	    "$PEBBLE_MANAGE/cert-status-by-serial/${serial#serial=}" |
	    jq -r .Status
}

@test "acme-renewal-info: a new certificate at pebble is not due" {
	issue pebble
	run -0 --separate-stderr acme-renewal-info "${pebble[@]}" chain.pem
	[ -z "$stderr" ]
	jq -e '.source == "server" and .reason == null and .due == false and
	    .window_start <= .renew_at and .renew_at < .window_end and
	    .ask_again_seconds >= 60 and .ask_again_seconds <= 86400' \
	    <<<"$output"
}

@test "acme-renewal-info: picks the same moment each time, inside the window" {
	issue pebble
	window '1 hour' '10 days'
	run -0 --separate-stderr acme-renewal-info "${pebble[@]}" chain.pem
	first=$output
	run -0 --separate-stderr acme-renewal-info "${pebble[@]}" <chain.pem
	[ "$first" = "$output" ]
	jq -e '.window_start <= .renew_at and .renew_at < .window_end and
	    .explanation_url == "https://ca.example/why"' <<<"$output"
	at=$(date -d "$(jq -r .renew_at <<<"$output")" +%s)
	run -0 acme-renewal-info "${pebble[@]}" -T $((at - 1)) chain.pem
	run -1 acme-renewal-info "${pebble[@]}" -T "$at" chain.pem
	jq -e '.due == true' <<<"$output"
}

@test "acme-renewal-info: a window in the past is due" {
	issue pebble
	window '2 days ago' '1 day ago'
	run -1 --separate-stderr acme-renewal-info "${pebble[@]}" chain.pem
	jq -e '.due == true and .source == "server"' <<<"$output"
}

@test "acme-renewal-info: an inverted window and garbage fall back to the lifetime" {
	issue pebble
	window '2 days' '1 day'
	run -0 --separate-stderr acme-renewal-info "${pebble[@]}" chain.pem
	jq -e '.source == "lifetime" and (.reason | test("no window"))' \
	    <<<"$output"
	[[ $stderr == *"going by the lifetime" ]]
	suggest 'garbage {'
	run -0 --separate-stderr acme-renewal-info "${pebble[@]}" chain.pem
	jq -e '.source == "lifetime"' <<<"$output"
}

@test "acme-renewal-info: a server that knows nothing of it falls back to the lifetime" {
	run -0 --separate-stderr acme-renewal-info "${pebble[@]}" \
	    "$CA/a.example.pem"
	jq -e '.source == "lifetime"' <<<"$output"
	issue step
	run -0 --separate-stderr acme-renewal-info "${step[@]}" chain.pem
	jq -e '.source == "lifetime" and .cert_id != null and
	    (.reason | test("offers no renewal"))' <<<"$output"
	# half of 24 hours and a minute
	late=$(($(date -d "$(cert-expiry chain.pem | jq -rs '.[0].not_after')" \
	    +%s) - 3600))
	run -1 --separate-stderr acme-renewal-info "${step[@]}" -T "$late" \
	    chain.pem
	jq -e '.due == true' <<<"$output"
}

@test "acme-renewal-info: the certificate's name at the CA is that of RFC 9773" {
	issue step
	run -0 --separate-stderr acme-renewal-info "${step[@]}" chain.pem
	aki=$(openssl x509 -in chain.pem -noout -ext authorityKeyIdentifier |
	    tail -n 1 | tr -d ' :')
	serial=$(openssl x509 -in chain.pem -noout -serial)
	serial=${serial#serial=}
	case $serial in [89A-F]*) serial=00$serial ;; esac
	want=$(base64url "$aki").$(base64url "$serial")
	[ "$(jq -r .cert_id <<<"$output")" = "$want" ]
}

# base64url HEX: of these bytes.
base64url() {
	openssl asn1parse -genstr "FORMAT:HEX,OCT:$1" -noout -out oct.der
	tail -c $((${#1} / 2)) oct.der | openssl base64 -A | tr '+/' '-_' |
	    tr -d '='
}

@test "acme-revoke: by the account that ordered it" {
	issue pebble
	[ "$(pebble_status)" = Valid ]
	run -0 --separate-stderr acme-revoke "${pebble[@]}" -a "$account" \
	    -G superseded chain.pem
	[ -z "$output$stderr" ]
	[ "$(pebble_status)" = Revoked ]
}

@test "acme-revoke: by the key of the certificate, without an account" {
	issue pebble
	run -0 --separate-stderr acme-revoke "${pebble[@]}" -k key.pem \
	    -G keyCompromise chain.pem
	[ "$(pebble_status)" = Revoked ]
	[ ! -e key.pem.accounts ]
}

@test "acme-revoke: what is revoked already is success and says so" {
	issue pebble
	acme-revoke "${pebble[@]}" -k key.pem chain.pem
	run -0 --separate-stderr acme-revoke "${pebble[@]}" -k key.pem chain.pem
	[ "$stderr" = 'acme-revoke: certificate: was revoked already' ]
}

@test "acme-revoke: another account and another key are refused" {
	issue pebble
	mkkey -o other.pem
	run -2 --separate-stderr acme-revoke "${pebble[@]}" -k other.pem \
	    chain.pem
	[[ $stderr == "acme-revoke: revokeCert: 40"* ]]
	run -2 --separate-stderr acme-revoke "${pebble[@]}" -a other.pem \
	    chain.pem
	[[ $stderr == "acme-revoke: newAccount: 400 accountDoesNotExist: "* ]]
	[ "$(pebble_status)" = Valid ]
}

@test "acme-revoke: step-ca puts it on its CRL" {
	issue step
	serial=$(openssl x509 -in chain.pem -noout -serial)
	run -0 --separate-stderr acme-revoke "${step[@]}" -a "$account" \
	    -G cessationOfOperation chain.pem
	curl -sS -f --cacert "$ROOT" "https://localhost:$CA_PORT/1.0/crl" \
	    -o crl.der
	run -0 openssl crl -inform DER -in crl.der -noout -text
	[[ $output == *"Serial Number: ${serial#serial=}"* ]]
	run -0 --separate-stderr acme-revoke "${step[@]}" -a "$account" \
	    chain.pem
	[ "$stderr" = 'acme-revoke: certificate: was revoked already' ]
}

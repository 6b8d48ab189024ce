#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What comes before and after an order, at the real pebble and the real step-ca:
# accounts, renewal information, revocation.

load helper
load servers

setup_file() {
	start_dns
	start_step_ca
	start_pebble pebble PEBBLE_VA_NOSLEEP=1 PEBBLE_AUTHZREUSE=0 \
	    PEBBLE_ALTERNATE_ROOTS=2 '{"profiles": {
		"day": {"description": "d", "validityPeriod": 86400},
		"week": {"description": "w", "validityPeriod": 604800}}}'
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

# The state pebble has for chain.pem.
pebble_status() {
	local serial
	serial=$(openssl x509 -in chain.pem -noout -serial)
	curl -sS -f --cacert "$PEBBLE_ROOT" \
	    "$PEBBLE_MANAGE/cert-status-by-serial/${serial#serial=}" |
	    jq -r .Status
}

@test "acme-renewal-info: RFC 9773 4.2 a new certificate at pebble is not due" {
	issue pebble
	run -0 --separate-stderr acme-renewal-info "${pebble[@]}" chain.pem
	[ -z "$stderr" ]
	jq -e '.source == "server" and .reason == null and .due == false and
	    .window_start <= .renew_at and .renew_at < .window_end and
	    .ask_again_seconds >= 60 and .ask_again_seconds <= 86400' \
	    <<<"$output"
}

@test "acme-renewal-info: RFC 9773 4.2 picks the same moment each time, inside the window" {
	issue pebble
	window '1 hour' '20 hours'
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

@test "acme-renewal-info: RFC 9773 4.2 a window in the past is due" {
	issue pebble
	window '2 days ago' '1 day ago'
	run -1 --separate-stderr acme-renewal-info "${pebble[@]}" chain.pem
	jq -e '.due == true and .source == "server"' <<<"$output"
}

@test "acme-renewal-info: RFC 9773 4.2 an inverted window and garbage fall back to the lifetime" {
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

@test "acme-revoke: 7.6 by the account that ordered it" {
	issue pebble
	[ "$(pebble_status)" = Valid ]
	run -0 --separate-stderr acme-revoke "${pebble[@]}" -a "$account" \
	    -G superseded chain.pem
	[ -z "$output$stderr" ]
	[ "$(pebble_status)" = Revoked ]
}

@test "acme-revoke: 7.6 by the key of the certificate, without an account" {
	issue pebble
	run -0 --separate-stderr acme-revoke "${pebble[@]}" -k key.pem \
	    -G keyCompromise chain.pem
	[ "$(pebble_status)" = Revoked ]
	[ ! -e key.pem.accounts ]
}

@test "acme-revoke: 7.6 what is revoked already is success and says so" {
	issue pebble
	acme-revoke "${pebble[@]}" -k key.pem chain.pem
	run -0 --separate-stderr acme-revoke "${pebble[@]}" -k key.pem chain.pem
	[ "$stderr" = 'acme-revoke: certificate: was revoked already' ]
}

@test "acme-revoke: 7.6 another account and another key are refused" {
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

# account pebble|step ARGS...: for acc.pem.
account() {
	case $1 in
	pebble) acme-account "${pebble[@]}" -a acc.pem "${@:2}" ;;
	step) acme-account "${step[@]}" -a acc.pem "${@:2}" ;;
	esac
}

@test "acme-account: 7.3 new makes an account, once, with its contacts" {
	run -0 --separate-stderr account pebble -Y new mailto:a@b.example
	jq -e '.status == "valid" and .created == true and
	    .contact == ["mailto:a@b.example"]' <<<"$output"
	url=$(jq -r .account <<<"$output")
	grep -qxF "$PEBBLE $url" acc.pem.accounts
	run -0 --separate-stderr account pebble new
	jq -e --arg url "$url" '.created == false and .account == $url' \
	    <<<"$output"
}

@test "acme-account: 7.3 terms are agreed to only when asked" {
	run -2 --separate-stderr account pebble new
	[[ $stderr == *"newAccount: 403 userActionRequired: "* ]]
	[ -z "$output" ]
}

@test "acme-account: 7.3.2 7.3.6 show, update and deactivate" {
	account pebble -Y new mailto:a@b.example >made
	run -0 --separate-stderr account pebble show
	jq -e '.contact == ["mailto:a@b.example"] and (has("created") | not)' \
	    <<<"$output"
	run -0 --separate-stderr account pebble update mailto:c@d.example
	jq -e '.contact == ["mailto:c@d.example"]' <<<"$output"
	run -0 --separate-stderr account pebble update
	jq -e '.contact == []' <<<"$output"
	run -2 --separate-stderr account pebble update http://x
	[[ $stderr == "acme-account: account: 40"* ]]
	run -0 --separate-stderr account pebble deactivate
	jq -e '.status == "deactivated"' <<<"$output"
	[ ! -s acc.pem.accounts ]
	run -2 --separate-stderr account pebble show
	[ -z "$output" ]
}

@test "acme-account: 7.3.1 show finds the account without the file beside the key" {
	account pebble -Y new >made
	rm acc.pem.accounts
	run -0 --separate-stderr account pebble show
	[ "$(jq -r .account <<<"$output")" = "$(jq -r .account made)" ]
}

@test "acme-account: 7.3.1 show of a key the server does not know makes no account" {
	mkkey -o acc.pem
	run -2 --separate-stderr account pebble show
	[[ $stderr == "acme-account: newAccount: 400 accountDoesNotExist: "* ]]
	run -2 --separate-stderr account step show
	[[ $stderr == *"accountDoesNotExist: "* ]]
}

@test "acme-account: 7.1.2.1 orders lists them over all pages" {
	account pebble -Y new >made
	account=$PWD/acc.pem
	for name in a b c d e; do
		mkkey -o "$name.pem"
		mkcsr -k "$name.pem" -d "$name.example" >req.pem
		acme-order "${pebble[@]}" -a acc.pem \
		    -l "127.0.0.1:$PEBBLE_HTTP_PORT" req.pem >chain.pem
	done
	run -0 --separate-stderr account pebble orders
	[ "${#lines[@]}" -eq 5 ]	# pebble pages by three
	[ "$(jq -r .order <<<"$output" | sort -u | grep -c ^https)" -eq 5 ]
}

@test "acme-account: 7.3.5 rollover changes the key at the server, then the file" {
	account pebble -Y new >made
	old=$(openssl pkey -in acc.pem -pubout)
	mkkey -t P-384 -o next.pem
	new=$(openssl pkey -in next.pem -pubout)
	cp -p acc.pem old.pem
	run -0 --separate-stderr account pebble -k next.pem rollover
	[ "$(jq -r .account <<<"$output")" = "$(jq -r .account made)" ]
	[ ! -e next.pem ]
	[ "$(openssl pkey -in acc.pem -pubout)" = "$new" ]
	[ "$new" != "$old" ]
	run -0 --separate-stderr account pebble show
	run -2 --separate-stderr acme-account "${pebble[@]}" -a old.pem show
	[[ $stderr == *accountDoesNotExist* ]]
}

@test "acme-account: 7.3.5 a rollover that was cut off is made good" {
	account pebble -Y new >made
	cp -p acc.pem old.pem
	mkkey -o next.pem
	cp -p next.pem kept.pem
	account pebble -k next.pem rollover >changed
	# as if it had been cut off before the rename
	cp -p old.pem acc.pem
	cp -p kept.pem next.pem
	run -0 --separate-stderr account pebble -k next.pem rollover
	[[ $stderr == *"the server knows the new key already"* ]]
	cmp acc.pem kept.pem
	[ ! -e next.pem ]
	run -0 account pebble show
}

@test "acme-account: 7.3.5 a key that has an account of its own is refused" {
	account pebble -Y new >made
	mkkey -o taken.pem
	acme-account -Y "${pebble[@]}" -a taken.pem new >other
	cp -p acc.pem before.pem
	# pebble says 200, and that is not believed
	run -2 --separate-stderr account pebble -k taken.pem rollover
	[ -z "$output" ]
	[[ $stderr == "acme-account: keyChange: "* ]]
	cmp acc.pem before.pem
	[ -e taken.pem ]
	run -0 account pebble show
	[ "$(jq -r .account <<<"$output")" = "$(jq -r .account made)" ]
}

@test "acme-account: 7.3 contacts the server does not take are told" {
	run -2 --separate-stderr account pebble -Y new tel:+1; echo "$stderr" >&2
	[[ $stderr == *"acme-account: newAccount: 400 unsupportedContact: "* ]]
	run -2 --separate-stderr account pebble -Y new 'mailto:nobody'
	[[ $stderr == "acme-account: newAccount: 400 invalidContact: "* ]]
	[ -z "$output" ]
}

@test "acme-account: 7.3.5 step-ca cannot change keys, and that is said" {
	account step new >made
	mkkey -o next.pem
	cp -p acc.pem before.pem
	run -2 --separate-stderr account step -k next.pem rollover
	[[ $stderr == *"keyChange: this server cannot change keys"* ]]
	cmp acc.pem before.pem
	[ -e next.pem ]
}

@test "acme-account: 7.3.4 an external account binding is sent when -E says so" {
	start_pebble eab PEBBLE_VA_NOSLEEP=1 '{
	    "externalAccountBindingRequired": true,
	    "externalAccountMACKeys": {"kid-1":
	    "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"}}'
	here=(-u "$PEBBLE" -A "$PEBBLE_ROOT" -a eab.pem)
	run -2 --separate-stderr acme-account -Y "${here[@]}" new
	[[ $stderr == *"newAccount: 403 externalAccountRequired: "* ]]
	umask 077
	mac=zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W
	echo "{\"kid\": \"kid-1\", \"mac\": \"${mac%?}X\"}" >eab.json
	run -2 --separate-stderr acme-account -Y "${here[@]}" -E eab.json new
	[[ $stderr == *"newAccount: 40"* ]]
	echo "{\"kid\": \"kid-1\", \"mac\": \"$mac\"}" >eab.json
	run -0 --separate-stderr acme-account -Y "${here[@]}" -E eab.json new
	jq -e '.created == true and .status == "valid"' <<<"$output"
	# padded, as some CAs write it
	mkkey -o second.pem
	echo "{\"kid\": \"kid-1\", \"mac\": \"$mac==\"}" >eab.json
	run -0 --separate-stderr acme-account -Y -u "$PEBBLE" \
	    -A "$PEBBLE_ROOT" -a second.pem -E eab.json new
	end_server eab
}

# order ARGS...: at pebble, for a.example, to chain.pem.
order() {
	[ -e key.pem ] || mkkey -o key.pem
	mkcsr -k key.pem -d a.example >req.pem
	acme-order -Y "${pebble[@]}" -a "$account" \
	    -l "127.0.0.1:$PEBBLE_HTTP_PORT" "$@" req.pem
}

lifetime() {
	cert-expiry "$1" | jq -rs '.[0] | (.not_after | fromdate) -
	    (.not_before | fromdate)'
}

@test "acme-order: profiles: -P asks for a profile" {
	order -P week >week.pem
	order -P day >day.pem
	[ $(($(lifetime week.pem) / 86400)) -ge 6 ]
	[ $(($(lifetime day.pem) / 86400)) -le 1 ]
	run -2 --separate-stderr order -P month
	[ -z "$output" ]
	[[ $stderr == "acme-order: -P month: not a profile of this server; it offers: "* ]]
	[[ $stderr == *" day"* && $stderr == *" week"* ]]
}

@test "acme-order: profiles: -P at a server without profiles says so" {
	mkkey -o key.pem
	mkcsr -k key.pem -d a.example >req.pem
	run -2 --separate-stderr acme-order "${step[@]}" -a "$account" \
	    -l "127.0.0.1:$HTTP_PORT" -P day req.pem
	[ "$stderr" = \
	    'acme-order: -P day: not a profile of this server; it offers: none' ]
}

@test "acme-order: 7.4 -b and -z ask for a validity" {
	to=$(date -u -d '3 hours' +%FT%TZ)
	mkkey -o key.pem
	mkcsr -k key.pem -d a.example >req.pem
	acme-order "${step[@]}" -a "$account" -l "127.0.0.1:$HTTP_PORT" \
	    -z "$to" req.pem >chain.pem
	[ "$(cert-expiry chain.pem | jq -rs '.[0].not_after')" = "$to" ]
	run -2 --separate-stderr order -z tomorrow
	[ "$stderr" = \
	    'acme-order: -z tomorrow: not a time such as 2026-11-21T22:13:42Z' ]
}

@test "acme-order: 7.4.2 -L takes the chain to the root of that name" {
	local i name
	for i in 0 1 2; do
		curl -sS -f --cacert "$PEBBLE_ROOT" "$PEBBLE_MANAGE/roots/$i" \
		    >"root$i.pem"
		name=$(openssl x509 -in "root$i.pem" -noout -subject -nameopt \
		    RFC2253)
		run -0 --separate-stderr order -L "${name#subject=CN=}" \
		    -B "root$i.pem"
		[ -z "$stderr" ]
	done
	# the first chain does not lead to the third root
	run -2 --separate-stderr order -B root2.pem
	[[ $stderr == *untrusted* ]]
}

@test "acme-order: 7.4.2 -L takes the chain to the root of that fingerprint" {
	local i
	for i in 0 1 2; do
		curl -sS -f --cacert "$PEBBLE_ROOT" "$PEBBLE_MANAGE/roots/$i" \
		    >"root$i.pem"
	done
	cat root?.pem >roots.pem
	sha=$(openssl x509 -in root1.pem -noout -fingerprint -sha256 |
	    tr -d : | cut -d= -f2)
	order -L "$sha" -B roots.pem >chain.pem
	run -0 cert-verify -B root1.pem chain.pem
	run -1 cert-verify -B root0.pem chain.pem
}

@test "acme-order: 7.4.2 -L that nobody offers is told, the first chain is taken" {
	run -0 --separate-stderr order -L 'No Such Root'
	[[ $output == *"BEGIN CERTIFICATE"* ]]
	[ "$stderr" = 'acme-order: certificate: no chain to No Such Root is offered; taking the first' ]
}

@test "acme-order: RFC 9773 5 -X names the certificate it replaces, once" {
	issue pebble
	cp chain.pem old.pem
	run -0 --separate-stderr order -X old.pem -e ev.json
	run -1 grep -c alreadyReplaced ev.json
	# the second time the server says so, and it is left out
	run -0 --separate-stderr order -X old.pem -e ev.json
	grep -q alreadyReplaced ev.json
	# no renewal information at step-ca: nothing is sent
	rm key.pem
	issue step
	run -0 --separate-stderr acme-order "${step[@]}" -a "$account" \
	    -l "127.0.0.1:$HTTP_PORT" -X old.pem req.pem
}

#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Our keys, requests, accounts and chains as the step CLI, openssl and
# acme-tiny see them, and theirs as ours do.

load helper
load servers

TYPES='P-256 P-384 Ed25519 rsa2048 rsa3072'

setup_file() {
	require step openssl jq acme-tiny
	start_dns
	start_step_ca
	start_pebble pebble PEBBLE_VA_NOSLEEP=1 PEBBLE_WFE_NONCEREJECT=0 \
	    PEBBLE_VA_ALWAYS_VALID=1
	local type
	for type in $TYPES; do
		mkkey -t "$type" -o "$BATS_FILE_TMPDIR/$type.pem"
	done
}

teardown_file() {
	end_servers
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	keys=$BATS_FILE_TMPDIR
	export STEPPATH=$BATS_TEST_TMPDIR/step
}

# step_jwk KEY: what step makes of it, in jwk.json.
step_jwk() {
	local alg=()
	case $1 in
	*rsa*) alg=(--alg RS256) ;;
	esac
	step crypto jwk create jwk.json private.json --from-pem "$1" \
	    --no-password --insecure --force "${alg[@]}"
}

@test "mkkey: step and openssl read every kind" {
	local type text
	for type in $TYPES; do
		run -0 openssl pkey -in "$keys/$type.pem" -noout -check
		[[ $output == *valid* ]]
		run -0 step crypto key inspect "$keys/$type.pem"
		case $type in
		P-*) text="EC PrivateKey-Key: (${type#P-} bit)" ;;
		rsa*) text="RSA Private-Key: (${type#rsa} bit)" ;;
		*) text="$type Private-Key" ;;
		esac
		[[ $output == *"$text"* ]]
	done
}

@test "mkkey: step writes the same bytes" {
	local type
	for type in $TYPES; do
		step crypto key format --pkcs8 --pem --no-password --insecure \
		    --out "$type.out" "$keys/$type.pem"
		cmp "$type.out" "$keys/$type.pem"
	done
}

@test "mkcsr: step and openssl see key, subject and names of every kind" {
	local type
	for type in $TYPES; do
		mkcsr -k "$keys/$type.pem" -N 'CN=Gerät 7,O=Ärzte+OU=a\,b' \
		    -d a.example -d '*.b.example' -d xn--bcher-kva.example \
		    -i 192.0.2.1 -i 2001:db8::1 -D URI:https://a.example/x \
		    -D email:a@b.example >req.pem
		run -0 openssl req -in req.pem -noout -verify
		[[ $output == *'verify OK'* ]]
		[ "$(openssl req -in req.pem -noout -pubkey)" = \
		    "$(openssl pkey -in "$keys/$type.pem" -pubout)" ]
		run -0 step certificate inspect --format json req.pem
		jq -e '.Subject.common_name == ["Gerät 7"] and
		    .Subject.organization == ["Ärzte"] and
		    .Subject.organizational_unit == ["a,b"] and
		    .DNSNames == ["a.example", "*.b.example",
			"xn--bcher-kva.example"] and
		    .IPAddresses == ["192.0.2.1", "2001:db8::1"] and
		    .EmailAddresses == ["a@b.example"]' <<<"$output"
		run -0 openssl req -in req.pem -noout -text
		[[ $output == *'URI:https://a.example/x'* ]]
	done
}

@test "mkcsr: keys that step made, plain and encrypted" {
	local kind
	echo secret >password
	for kind in '--kty EC --crv P-256' '--kty EC --crv P-384' \
	    '--kty EC --crv P-521' '--kty RSA --size 2048' \
	    '--kty OKP --crv Ed25519'; do
		# shellcheck disable=SC2086	# two words and two
		step crypto keypair $kind --no-password --insecure --force \
		    pub.pem priv.pem
		run -0 --separate-stderr mkcsr -k priv.pem -d a.example
		echo "$output" >req.pem
		run -0 openssl req -in req.pem -noout -verify
		[ "$(openssl req -in req.pem -noout -pubkey)" = \
		    "$(openssl pkey -pubin -in pub.pem -pubout)" ]
		# shellcheck disable=SC2086
		step crypto keypair $kind --password-file password --force \
		    pub.pem priv.pem
		run -2 --separate-stderr mkcsr -k priv.pem -d a.example
		[ "$stderr" = 'mkcsr: priv.pem: the key is encrypted; an unencrypted one is needed' ]
	done
	step crypto jwk create --no-password --insecure pub.json priv.json
	run -2 --separate-stderr mkcsr -k priv.json -d a.example
	[ "$stderr" = 'mkcsr: priv.json: no private key in PEM form found' ]
}

@test "acme-order: RFC 7638 8.1 the key authorization has step's thumbprint" {
	local type value
	printf '#!/bin/sh\n[ "$1" = done ] || echo "$4 $5" >challenge\n' >hook
	chmod +x hook
	mkkey -o key.pem
	mkcsr -k key.pem -d a.example >req.pem
	for type in $TYPES; do
		[ "$type" != Ed25519 ] || continue	# pebble takes none
		step_jwk "$keys/$type.pem"
		run -0 step crypto jwk thumbprint <jwk.json
		acme-order -Y -u "$PEBBLE" -A "$PEBBLE_ROOT" \
		    -a "$keys/$type.pem" -H ./hook req.pem >chain.pem
		read -r token value <challenge
		[ "$value" = "$token.$output" ]
		rm challenge
	done
	# step-ca does, but it looks whether the answer is there
	step_jwk "$keys/Ed25519.pem"
	run -0 step crypto jwk thumbprint <jwk.json
	want=$output
	run -75 --separate-stderr acme-order -u "$ACME" -A "$ROOT" \
	    -a "$keys/Ed25519.pem" -m 1 -H ./hook req.pem
	read -r token value <challenge
	[ "$value" = "$token.$want" ]
}

@test "acme-account: 7.3.1 an account of acme-tiny and ours are the same" {
	mkkey -t rsa2048 -o account.pem
	mkkey -o key.pem
	mkcsr -k key.pem -d a.example >req.pem
	mkdir web
	# ours first, then theirs with our key
	run -0 --separate-stderr acme-account -Y -u "$PEBBLE" \
	    -A "$PEBBLE_ROOT" -a account.pem new mailto:a@b.example
	url=$(jq -r .account <<<"$output")
	SSL_CERT_FILE=$PEBBLE_ROOT acme-tiny --quiet --disable-check \
	    --directory-url "$PEBBLE" --account-key account.pem --csr req.pem \
	    --acme-dir web >chain.pem
	run -0 cert-verify -k key.pem -n a.example chain.pem
	run -0 acme-account -u "$PEBBLE" -A "$PEBBLE_ROOT" -a account.pem orders
	[ "${#lines[@]}" -eq 1 ]
	# a certificate of theirs is revoked by us
	run -0 acme-revoke -u "$PEBBLE" -A "$PEBBLE_ROOT" -a account.pem \
	    chain.pem
	# theirs first, with a key that openssl made
	openssl genrsa -traditional -out theirs.pem 2048
	chmod 600 theirs.pem
	SSL_CERT_FILE=$PEBBLE_ROOT acme-tiny --quiet --disable-check \
	    --directory-url "$PEBBLE" --account-key theirs.pem --csr req.pem \
	    --acme-dir web --contact mailto:c@d.example >chain.pem
	run -0 --separate-stderr acme-account -u "$PEBBLE" \
	    -A "$PEBBLE_ROOT" -a theirs.pem show
	jq -e --arg ours "$url" '.status == "valid" and .account != $ours and
	    .contact == ["mailto:c@d.example"]' <<<"$output"
}

@test "acme-order: step verifies the chain and renews with it" {
	mkkey -o key.pem
	mkcsr -k key.pem -d a.example >req.pem
	acme-order -u "$ACME" -A "$ROOT" -a "$keys/P-256.pem" \
	    -l "127.0.0.1:$HTTP_PORT" req.pem >chain.pem
	run -0 step certificate verify chain.pem --roots "$ROOT" \
	    --host a.example
	run -1 step certificate verify chain.pem --roots "$ROOT" \
	    --host b.example
	run -1 step certificate verify chain.pem --roots "$CA/root.pem"
	run -0 openssl verify -CAfile "$ROOT" -untrusted chain.pem \
	    -verify_hostname a.example chain.pem
	before=$(openssl x509 -in chain.pem -noout -serial)
	run -0 step ca renew --force --ca-url "https://localhost:$CA_PORT" \
	    --root "$ROOT" chain.pem key.pem
	[ "$before" != "$(openssl x509 -in chain.pem -noout -serial)" ]
	run -0 cert-verify -B "$ROOT" -k key.pem -n a.example chain.pem
}

@test "cert-verify: a certificate that step ordered" {
	run -0 step ca certificate a.example theirs.pem theirs.key \
	    --provisioner acme --http-listen "127.0.0.1:$HTTP_PORT" \
	    --standalone --ca-url "https://localhost:$CA_PORT" \
	    --root "$ROOT" --force
	run -0 cert-verify -B "$ROOT" -k theirs.key -n a.example theirs.pem
	# and a request for the same names and key
	run -0 --separate-stderr mkcsr -k theirs.key -x theirs.pem
	echo "$output" >req.pem
	run -0 step certificate inspect --format json req.pem
	jq -e '.DNSNames == ["a.example"]' <<<"$output"
}

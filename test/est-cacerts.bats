#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load helper
load est

setup_file() {
	local ca='basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign'
	est_files
	make_key "$PKI/a.pem"
	make_key "$PKI/b.pem"
	# a rollover: old and new root, and each certified by the other
	make_cert "$PKI" oo issuer=self subject='/CN=Roll CA' ext="$ca" \
	    key="$PKI/a.pem" from=2020-01-01 to='30 days'
	make_cert "$PKI" nn issuer=self subject='/CN=Roll CA' ext="$ca" \
	    key="$PKI/b.pem" to=2045-01-01
	make_cert "$PKI" on issuer=nn subject='/CN=Roll CA' ext="$ca" \
	    key="$PKI/a.pem" to='30 days'
	make_cert "$PKI" no issuer=oo subject='/CN=Roll CA' ext="$ca" \
	    key="$PKI/b.pem" to='30 days'
	make_cert "$PKI" under issuer=oo subject='/CN=Issuer' ext="$ca" \
	    to='30 days'
	make_cert "$PKI" stale issuer=self subject='/CN=Stale' ext="$ca" \
	    from=2020-01-01 to=2021-01-01
	make_cert "$PKI" weak issuer=self subject='/CN=Weak' ext="$ca" \
	    key=<(openssl genrsa 1024 2>/dev/null)
	make_cert "$PKI" stranger issuer=self subject='/CN=Stranger' \
	    ext="$ca" to='10 days'
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	est_double
	p7 int.pem root.pem | reply cacerts 200
}

teardown() {
	stop_bg
}

fingerprint() {
	openssl x509 -in "$1" -noout -fingerprint -sha256 | cut -d = -f 2
}

# first HEX [OPTION]...: without anchors.
first() {
	est-cacerts -u "$base" -F "$@"
}

# writes FILE...: these certificates in this order.
writes() {
	[ "$output" = "$(cat "$@")" ]
}

@test "est-cacerts keeps the contract of all commands" {
	run -0 contract est-cacerts
}

@test "est-cacerts: C6 writes the root, then the others" {
	run -0 --separate-stderr est est-cacerts
	[ -z "$stderr" ]
	writes root.pem int.pem
	run -0 --separate-stderr est est-cacerts -v
	[[ $stderr == *'2 of 2 certificates, root '* ]]
}

@test "est-cacerts -F: C5 the first time only a root with that fingerprint" {
	local hex other
	hex=$(fingerprint root.pem)
	run -0 --separate-stderr first "$hex"
	[ -z "$stderr" ]
	writes root.pem int.pem
	other=${hex//:/}
	run -0 first "${other,,}"
	writes root.pem int.pem
	run -0 est est-cacerts -F "$hex"
	writes root.pem int.pem
	for other in "$(fingerprint int.pem)" "$(fingerprint leaf.pem)" \
	    "$(fingerprint stranger.pem)"; do
		run -2 --separate-stderr first "$other"
		[ -z "$output" ]
		[[ $stderr == *'no root among 2 certificates has that'* ]]
		run -2 --separate-stderr est est-cacerts -F "$other"
		[ -z "$output" ]
	done
}

@test "est-cacerts -F takes nothing but a SHA-256 fingerprint" {
	local hex
	hex=$(fingerprint root.pem)
	for hex in '' abc "${hex}0" "${hex}:" "$hex " "g${hex#?}" \
	    "${hex#??:}"; do
		run -2 --separate-stderr first "$hex"
		[ -z "$output" ]
	done
	[ ! -s requests ]
}

@test "est-cacerts -F: C5 what leads elsewhere does not come along" {
	p7 stranger.pem root.pem int.pem | reply cacerts 200
	run -0 --separate-stderr first "$(fingerprint root.pem)"
	writes root.pem int.pem
	[ "$stderr" = "est-cacerts: cacerts: left out: \"CN=Stranger\":\
 untrusted" ]
}

@test "est-cacerts: C5 an unverified server gets no password and no certificate" {
	echo token >token
	chmod 600 token
	run -2 --separate-stderr first "$(fingerprint root.pem)" -U token
	[[ $stderr == *'not to a server that is not verified'* ]]
	run -2 --separate-stderr first "$(fingerprint root.pem)" \
	    -c leaf.pem -k key.pem
	[[ $stderr == *'not to a server that is not verified'* ]]
	[ ! -s requests ]
}

@test "est-cacerts -A: C1 nothing else is trusted" {
	run -2 --separate-stderr est-cacerts -u "$base" -A root.pem
	[ -z "$output" ]
	[[ $stderr == *certificate* ]]
	run -2 --separate-stderr env SSL_CERT_FILE="$CA/root.pem" \
	    CURL_CA_BUNDLE="$CA/root.pem" est-cacerts -u "$base" -A root.pem
	[ -z "$output" ]
}

@test "est-cacerts: C6 a rollover brings both roots and both bridges" {
	local order
	for order in 'oo on no nn under' 'under no on nn oo'; do
		# shellcheck disable=SC2086
		printf '%s.pem\n' $order | xargs cat | p7 | reply cacerts 200
		run -0 --separate-stderr est est-cacerts
		[ -z "$stderr" ]
		[ "$(grep -c BEGIN <<<"$output")" -eq 5 ]
		[ "$(openssl x509 <<<"$output")" = "$(openssl x509 -in nn.pem)" ]
		run -0 --separate-stderr first "$(fingerprint oo.pem)"
		[ -z "$stderr" ]
		[ "$(grep -c BEGIN <<<"$output")" -eq 5 ]
		[ "$(openssl x509 <<<"$output")" = "$(openssl x509 -in oo.pem)" ]
	done
	# without the bridges the old root is nobody's
	p7 oo.pem nn.pem under.pem | reply cacerts 200
	run -0 --separate-stderr est est-cacerts
	writes nn.pem
	[ "${#stderr_lines[@]}" -eq 2 ]
}

@test "est-cacerts: C6 what is expired, weak or no CA is left out or refused" {
	p7 root.pem stale.pem weak.pem leaf.pem | reply cacerts 200
	run -0 --separate-stderr est est-cacerts
	writes root.pem
	[[ $stderr == *'left out: "CN=Stale": expired'* ]]
	[[ $stderr == *'left out: "CN=dev1": '*wrong_purpose* ]]
	[[ $stderr == *'left out: "CN=Weak": '* ]]
	p7 stale.pem | reply cacerts 200
	ends 2 'cacerts: the root is not accepted: expired' est-cacerts
	run -0 est est-cacerts -T "$(date -d 2020-06-01 +%s)"
	writes stale.pem
	p7 int.pem leaf.pem | reply cacerts 200
	ends 2 'cacerts: no root among 2 certificates' est-cacerts
}

@test "est-cacerts: C6 nothing but 200 will do" {
	local status
	for status in 201 202 204 403 404; do
		p7 root.pem | reply cacerts "$status"
		ends 2 "cacerts: $status" est-cacerts
	done
	p7 root.pem | reply cacerts 503
	ends 75 'cacerts: 503' est-cacerts
}

@test "est-cacerts: C2 a redirect to another host is refused" {
	reply cacerts 302 "Location: https://localhost:$port/x" </dev/null
	ends 2 'a redirect to another server is not followed' est-cacerts
}

@test "est-cacerts refuses bodies that are no certificates" {
	reply cacerts 200 <<<'<html>'
	ends 2 'a page of HTML or XML' est-cacerts
	reply cacerts 200 <root.pem
	ends 2 'PEM: the body must be bare base64' est-cacerts
	p7 root.pem | reply cacerts 200 '!cut -20'
	ends 75 '' est-cacerts
	reply cacerts 200 '!repeat 300000' <<<AAAA
	ends 2 'larger than the limit' est-cacerts
}

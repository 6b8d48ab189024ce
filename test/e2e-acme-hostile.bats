#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# acme-order against a server that means no good: each test begins with the
# answers of an honest server and bends one thing.

load helper
load servers
load double

@test "acme-order: an honest server is told from the others" {
	run -0 --separate-stderr ask -w web
	[ "$output" = "$(<"$PKI/leaf.chain.pem")" ]
	[ -z "$stderr" ]
	[ "$(wc -l <requests)" -eq 7 ]
	run -0 --separate-stderr ask -l 127.0.0.1:0
	[ "$output" = "$(<"$PKI/leaf.chain.pem")" ]
}

@test "acme-order: HTTP/2 is spoken" {
	local behind=$port
	port=$(free_port)
	DOUBLE_LISTEN=http2 double "location / {
		proxy_pass https://127.0.0.1:$behind; }"
	base=https://127.0.0.1:$port
	honest
	run -0 --separate-stderr ask -w web
	[ "$output" = "$(<"$PKI/leaf.chain.pem")" ]
	grep -q 'POST /finalize HTTP/2' requests.log
}

@test "acme-order: 7.1 what is of another type than it should be is refused" {
	bend dir "\"$base/nonce\"" 7
	fails 2 'not an ACME directory: no https URL newNonce'
	bend account Location X-Location
	fails 2 'newAccount: no account URL in the answer'
	bend account "$base/account/1" 'an account'
	fails 2 'newAccount: no account URL in the answer'
	bend account valid deactivated
	fails 2 'newAccount: the account is deactivated'
	bend new Location X-Location
	fails 2 'newOrder: no order URL in the answer'
	bend new '"pending"' 7
	fails 2 'order: the answer has no status'
	bend new "[\"$base/authz\"]" '{}'
	fails 2 'order: no authorizations'
	bend new "[\"$base/authz\"]" '[]'
	fails 2 'order: no authorizations'
	bend new "[\"$base/authz\"]" '[7]'
	fails 2 'order: an authorization that is no URL'
	bend new finalize finalise
	fails 2 'order: no finalize URL in the answer'
	say authz 200 '[]'
	fails 2 'authz: authorization without status'
	bend authz '"pending"' null
	fails 2 'a.example: authorization without status'
	bend authz '"challenges":[' '"other":['
	fails 2 'a.example: no http-01 challenge; offered: none'
	bend authz http-01 dns-01
	fails 2 'a.example: no http-01 challenge; offered: dns-01'
	bend authz '"url"' '"other"'
	fails 2 'a.example: a challenge without URL'
	say challenge 200 '<html>'
	fails 2 'a.example: http-01 without status'
	say finalize 200 '"x"'
	fails 2 'order: the answer has no status'
}

@test "acme-order: a thousand authorizations are enough" {
	local many
	many=$(printf '"u",%.0s' {1..1001})
	bend new "[\"$base/authz\"]" "[${many%,}]"
	fails 2 'order: no authorizations, or too many'
}

@test "acme-order: 8.3 tokens that are none do not become files" {
	local bad
	for bad in ../../../../../../../../tmp/token-x .token-ABCDEFGHIJKLMNOPQRSTUV \
	    token-short token-ABCDEFGHIJKLMNOPQRSTUV= token-ABCDEFGHIJ/LMNOPQRSTUV \
	    "token-$(printf 'A%.0s' {1..123})" ''; do
		bend authz "$token" "$bad"
		fails 2 'a.example: a challenge without URL or with a token that is none'
	done
	bend authz "$token" "token-$(printf 'A%.0s' {1..122})"
	run -0 --separate-stderr ask -w web
}

@test "acme-order: 6.1 URLs of other ports and protocols are not asked" {
	local url
	for url in http://127.0.0.1/ /authz file:///etc/passwd '' \
	    "https://user@127.0.0.1:$port/"; do
		bend new "$base/authz" "$url"
		fails 2 "authorization: $url: not an https URL"
	done
	bend new "$base/authz" https://127.0.0.1:1/
	local only=$port
	fails 2 "authorization: https://127.0.0.1:1/: not on port $only, the only one that is asked"
}

@test "acme-order: a server fault is 75 at each step" {
	local path
	for path in dir account new authz challenge finalize cert; do
		say "$path" 503 ''
		fails 75 ': 503 without a problem document: ' -m 1
		# an order may have been made all the same: not twice
		[ "$path" != new ] ||
		    [ "$(grep -c 'POST /new ' requests)" -eq 1 ]
	done
}

@test "acme-order: 6.5.1 nonces that are none are not used" {
	local bad
	for bad in '' abc= 'a b' a+b; do
		bend dir ' abc' ' '
		bend nonce ' abc' " $bad"
		fails 2 'newNonce gives no usable Replay-Nonce'
	done
	bend dir ' abc' ' '
	bend nonce ' abc' " $(printf 'k%.0s' {1..10000})"
	fails 2 'newNonce gives no usable Replay-Nonce'
}

@test "acme-order: 7.2 a newNonce that is refused is told, 75 when it may pass" {
	local retry
	bend dir ' abc' ' '
	say nonce 404 ''
	fails 2 '404'
	bend dir ' abc' ' '
	say nonce 503 '' 'Retry-After: 60'
	fails 75 '503'
	retry=${stderr_lines[-1]}
	[[ $retry =~ ^retry-at:\ 20[0-9-]+T[0-9:]+Z$ ]]
}

@test "acme-order: 6.5 badNonce for ever ends" {
	say account 400 '{"type":"urn:ietf:params:acme:error:badNonce"}'
	SECONDS=0
	fails 75 'newAccount: ' -m 2
	[ "$SECONDS" -le 4 ]
	[ "$(wc -l <requests)" -lt 150 ]
}

@test "acme-order: 7.1.6 an order that gets nowhere ends with the deadline" {
	local status
	for status in pending processing; do
		SECONDS=0
		bend finalize '"valid"' "\"$status\""
		bend order pending "$status"
		fails 75 "order: deadline reached while it is $status" -m 1
		[ "$SECONDS" -le 3 ]
	done
	bend finalize certificate other
	bend order pending valid
	fails 75 'order: deadline reached while it is valid' -m 1
	bend finalize '"valid"' '"ready"'
	bend order pending ready
	fails 75 'order: stays ready after finalize' -e events.json
	[ "$(tail -n 1 events.json | jq -r .reason)" = server ]
}

@test "acme-order: 7.1.6 an order of an unknown status is an error" {
	bend finalize '"valid"' '"strange\u001b[31m"'
	fails 2 'order: unknown status strange\x1b[31m'
	bend finalize '"valid"' '"invalid"'
	fails 2 'order: invalid: no error given'
	bend authz '"pending"' '"revoked"'
	fails 2 'a.example: authorization revoked'
}

@test "acme-order: 7.1.1 members it does not know are passed over" {
	local path
	for path in dir account new authz challenge finalize; do
		bend "$path" '{"' '{"x-new":{"a":[null,1.5]},"'
	done
	issues
}

@test "acme-order: 6.5 an answer without a nonce costs a HEAD" {
	bend new 'Replay-Nonce' X-Nonce
	issues
	[ "$(grep -c 'HEAD /nonce ' requests)" -eq 1 ]
}

@test "acme-renewal-info: RFC 9773 4.3 asks again after a minute to a day" {
	local after want id
	ari() {
		acme-renewal-info -u "$base/dir" -A "$CA/root.pem" \
		    "$PKI/leaf.pem"
	}
	bend dir '{' "{\"renewalInfo\":\"$base/ari\","
	run -0 --separate-stderr ari
	id=$(jq -r .cert_id <<<"$output")
	for want in 1:60 3600:3600 1000000000:86400; do
		after=${want%:*}
		say "ari_$id" 200 '{"suggestedWindow":{"start":
			"2100-01-02T04:00:00Z","end":"2100-01-03T04:00:00Z"}}' \
		    "Retry-After: $after"
		run -0 --separate-stderr ari
		jq -e --arg want "${want#*:}" '.source == "server" and
		    (.ask_again_seconds | tostring) == $want' <<<"$output"
	done
	say "ari_$id" 503 '' 'Retry-After: 120'
	run -75 --separate-stderr ari
	[ -z "$output" ]
	[[ ${stderr_lines[-1]} == 'retry-at: '* ]]
}

@test "acme-order: 7.1.6 an order that is ready or valid from the start" {
	bend new pending ready
	issues
	run -1 grep -c 'POST /authz ' requests
	[ "$(grep -c 'POST /finalize ' requests)" -eq 1 ]
	bend new pending valid
	bend new '"finalize"' "\"certificate\":\"$base/cert\",\"finalize\""
	issues
	run -1 grep -c 'POST /authz ' requests
	[ "$(grep -c 'POST /finalize ' requests)" -eq 1 ]
}

@test "acme-order: 7.5 an authorization that is valid is not answered" {
	cp says/authz says/valid
	bend valid '"pending"' '"valid"'
	bend new "[\"$base/authz\"]" "[\"$base/valid\",\"$base/authz\"]"
	issues
	[ "$(grep -c 'POST /challenge ' requests)" -eq 1 ]
}

@test "acme-order: 7.5 an authorization that failed tells every challenge's error" {
	local error='"status":"invalid","error":{"type":"urn:ietf:params:acme:error:'
	local status
	bend authz '"pending"' '"invalid"'
	bend authz '"status":"pending"' "${error}dns\",\"detail\":\"D\"}"
	bend authz '"challenges":[' "\"challenges\":[{\"type\":\"dns-01\",
		${error}tls\",\"detail\":\"T\"}},"
	fails 2 'a.example: dns-01 invalid: tls: T'
	assert_stderr_line 'acme-order: a.example: http-01 invalid: dns: D'
	for status in expired revoked deactivated; do
		bend authz '"pending"' "\"$status\""
		fails 2 "a.example: authorization $status"
	done
}

@test "acme-order: 8 challenges of unknown types are passed over" {
	local unknown='"challenges":[{"type":"dns-account-01",
		"status":"pending","url":"x","token":7},{"type":null},7,'
	bend authz '"challenges":[' "$unknown"
	issues
	bend authz '"challenges":[' "$unknown"
	bend authz http-01 new-99
	fails 2 'a.example: no http-01 challenge; offered: dns-account-01'
	[[ $stderr == *new-99* ]]
}

@test "acme-order: RFC 8738 7 DNS-01 is not used for an address" {
	bend authz '"dns","value":"a.example"' '"ip","value":"192.0.2.1"'
	bend authz http-01 dns-01
	printf '#!/bin/sh\ntouch asked\n' >hook
	chmod +x hook
	run -2 --separate-stderr ask -H ./hook
	[ "$stderr" = \
	    'acme-order: 192.0.2.1: no acceptable challenge; offered: dns-01' ]
	[ ! -e asked ]
}

@test "acme-order: 7.4 badCSR is final, orderNotReady is not" {
	say finalize 403 '{"type":"urn:ietf:params:acme:error:badCSR",
		"detail":"weak"}'
	fails 2 'finalize: 403 badCSR: weak'
	say finalize 403 '{"type":"urn:ietf:params:acme:error:orderNotReady"}'
	say order 200 "{\"status\":\"valid\",\"certificate\":\"$base/cert\"}"
	issues
}

@test "acme-order: 6.2 badSignatureAlgorithm and badPublicKey are final" {
	say account 400 '{"detail":"no",
		"type":"urn:ietf:params:acme:error:badSignatureAlgorithm",
		"algorithms":["RS256","Ed\u001b"]}'
	fails 2 'newAccount: 400 badSignatureAlgorithm: no; it takes RS256, Ed\x1b'
	say account 400 '{"type":"urn:ietf:params:acme:error:badPublicKey"}'
	fails 2 'newAccount: 400 badPublicKey: no detail given'
	[ "$(grep -c 'POST /account ' requests)" -eq 2 ]
}

@test "acme-order: RFC 8657 a CAA error tells what the record has to say" {
	local caa='"type":"urn:ietf:params:acme:error:caa"'
	local meta='{"meta":{"caaIdentities":["ca.example","ca2.example"]},'
	local hint='acme-order: caa: in CAA records this CA is: ca.example'
	hint+=" ca2.example; accounturi=$base/account/1"
	bend dir '{' "$meta"
	bend challenge '"valid"' "\"invalid\",\"error\":{$caa}"
	fails 2 'a.example: http-01 invalid: caa: no detail given'
	assert_stderr_line "$hint"
	# many names: the subproblems say whose record it is
	bend dir '{' "$meta"
	say finalize 403 "{\"type\":\"urn:ietf:params:acme:error:compound\",
		\"subproblems\":[{$caa,\"identifier\":{\"value\":\"a.example\"}}]}"
	fails 2 'a.example: caa: (none)'
	assert_stderr_line "$hint"
}

@test "acme-order: 7.4 the server cannot make it wait beyond its deadline" {
	local after
	for after in 1000000000 -5 '' 'Fri, 31 Dec 9999 23:59:59 GMT' \
	    'Fri, 31 Dec 1999 23:59:59 GMT'; do
		bend finalize '"valid"' '"processing"'
		say order 200 '{"status":"processing"}' "Retry-After: $after"
		: >requests
		SECONDS=0
		fails 75 'order: deadline reached while it is processing' -m 1
		[ "$SECONDS" -le 3 ]
		# and it goes on to ask
		[ "$(grep -c 'POST /order ' requests)" -ge 5 ]
	done
	say new 429 '{"type":"urn:ietf:params:acme:error:rateLimited"}' \
	    'Retry-After: 99999999999999999999'
	fails 75 'newOrder: 429 rateLimited: no detail given'
	[[ ${stderr_lines[-1]} =~ ^retry-at:\ [0-9]{4}-[0-9-]+T[0-9:]+Z$ ]]
	say new 429 '{}' 'Retry-After: -5'
	fails 75 'newOrder: 429 '
	[ "${#stderr_lines[@]}" -eq 1 ]
}

@test "acme-order: 6.7.1 a problem keeps its subject among many subproblems" {
	say challenge 400 '{"type":"urn:ietf:params:acme:error:compound",
		"detail":"D","subproblems":[
		{"identifier":{"value":"1"},"type":"a","detail":"x"},
		{"identifier":{"value":"2"},"type":"b","detail":"y"},
		{"identifier":7,"type":[],"detail":{}},
		{"identifier":{"value":"4"},"type":"d","detail":"z"}]}'
	fails 2 'a.example: 400 compound: D; 1: a: x; 2: b: y; (none): problem: (none); 4: d: z'
}

@test "acme-order: 11.4 a chain is not taken for more than it is" {
	local leaf int
	leaf=$(<"$PKI/leaf.pem")
	int=$(<"$PKI/int.pem")
	say cert 200 ''
	fails 2 'certificate: no certificate in PEM form found'
	say cert 200 "$leaf
$int
$(<"$BATS_FILE_TMPDIR/key.pem")"
	fails 2 'certificate: a block "PRIVATE KEY" where only certificates are allowed'
	say cert 200 "$(<req.pem)
$leaf"
	fails 2 'certificate: a block "CERTIFICATE REQUEST"'
	say cert 200 "$int
$leaf"
	fails 2 'not accepted: untrusted, broken_link, not_a_ca, names_differ, key_mismatch'
	say cert 200 "$leaf
$leaf"
	fails 2 'not accepted: broken_link'
	say cert 200 "${leaf/M/!}"
	fails 2 'certificate: bad base64 decode'
	# what stands beside the certificates is not passed on
	say cert 200 "rm -rf /
$leaf
evil
$int
more"
	run -0 --separate-stderr ask -w web
	[ "$output" = "$(<"$PKI/leaf.chain.pem")" ]
}

@test "acme-order: 7.4.2 a certificate for another key, more or fewer names" {
	local key=$BATS_FILE_TMPDIR/key.pem
	make_cert "$PKI" other san=DNS:a.example
	say cert 200 "$(<"$PKI/other.chain.pem")"
	fails 2 'certificate: what the CA issued is not accepted: key_mismatch'
	make_cert "$PKI" more san=DNS:a.example,DNS:b.example key="$key"
	say cert 200 "$(<"$PKI/more.chain.pem")"
	fails 2 'certificate: what the CA issued is not accepted: names_differ'
	make_cert "$PKI" none key="$key"
	say cert 200 "$(<"$PKI/none.chain.pem")"
	fails 2 'certificate: what the CA issued is not accepted: names_differ'
	make_cert "$PKI" late san=DNS:a.example key="$key" from='1 day' to='2 days'
	say cert 200 "$(<"$PKI/late.chain.pem")"
	fails 2 'certificate: what the CA issued is not accepted: not_yet_valid'
}

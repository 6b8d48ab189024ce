#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load helper
load est

setup_file() {
	est_files
}

setup() {
	require jq
	cd "$BATS_TEST_TMPDIR" || return
	est_double
}

teardown() {
	stop_bg
}

nothing='{"offered":false,"key":null,"digest":null,'\
'"challenge_password":false,"subject":[],"extensions":[],'\
'"template":false,"ignored":[]}'

# attrs LINE...: the answer to csrattrs, an ASN.1 sequence as openssl's
# asn1parse -genconf writes it, one element a line (names of fields: a, b ...).
attrs() {
	local i=0 line
	{
		printf 'asn1 = SEQUENCE:all\n[all]\n'
		for line; do
			printf 'f%d = %s\n' "$((i += 1))" "$line"
		done
		cat
	} >attrs.cnf
	openssl asn1parse -genconf attrs.cnf -noout -out attrs.der
	base64 attrs.der | reply csrattrs 200 \
	    'Content-Type: application/csrattrs'
}

# wants: what the server wants, into want.json.
wants() {
	run -0 --separate-stderr est est-csrattrs
	[ -z "$stderr" ]
	printf '%s\n' "$output" >want.json
}

# makes ARGS..., refuses TEXT ARGS...: mkcsr with that.
makes() {
	run -0 --separate-stderr mkcsr -Q want.json "$@"
	[ -z "$stderr" ]
	printf '%s\n' "$output" >new.pem
	run -0 openssl req -in new.pem -noout -verify
}
refuses() {
	run -2 --separate-stderr mkcsr -Q want.json "${@:2}"
	[ -z "$output" ]
	[ "$stderr" = "mkcsr: want.json: $1" ] || {
		printf 'said: %s\n' "$stderr"
		return 1
	}
}

@test "est-csrattrs keeps the contract of all commands" {
	run -0 contract est-csrattrs
}

@test "est-csrattrs: C15 a server without any is no error" {
	local status
	for status in 204 404 405 501; do
		reply csrattrs "$status" </dev/null
		run -0 --separate-stderr est est-csrattrs
		[ "$output" = "$nothing" ]
		[ -z "$stderr" ]
	done
	reply csrattrs 200 </dev/null
	run -0 --separate-stderr est est-csrattrs
	[ "$output" = "$nothing" ]
	reply csrattrs 200 <<<'MAA='
	run -0 --separate-stderr est est-csrattrs
	[ "$output" = "$nothing" ]
	# OpenXPKI 3.32
	reply csrattrs 500 </dev/null
	run -0 --separate-stderr est est-csrattrs
	[ "$output" = "$nothing" ]
	[ "$stderr" = 'est-csrattrs: csrattrs: 500, going on without' ]
}

@test "est-csrattrs: C15 a refusal, a fault and junk are told" {
	reply csrattrs 401 'WWW-Authenticate: Basic realm="x"' </dev/null
	ends 2 '401, it wants a password or token (-U)' est-csrattrs
	reply csrattrs 403 <<<no
	ends 2 '403, not allowed: no' est-csrattrs
	reply csrattrs 503 'Retry-After: 5' </dev/null
	ends 75 '503' est-csrattrs
	reply csrattrs 200 <<<'<html>'
	ends 2 'a page of HTML or XML' est-csrattrs
	reply csrattrs 200 <<<'MAAA'
	ends 2 'bytes behind the CSR attributes' est-csrattrs
}

@test "est-csrattrs: the kind of key and the digest are obeyed by mkcsr -Q" {
	make_key p384.key p384
	make_key rsa.key rsa2048
	make_key ed.key ed25519
	attrs OID:ecdsa-with-SHA384 SEQUENCE:key <<-END
	[key]
	a = OID:id-ecPublicKey
	b = SET:curve
	[curve]
	a = OID:secp384r1
	END
	wants
	[ "$(jq -r '.key, .digest' want.json)" = 'P-384
SHA384' ]
	makes -k p384.key -d a.example
	openssl req -in new.pem -noout -text | grep -q ecdsa-with-SHA384
	refuses 'the server wants another key: mkkey -t P-384' -k key.pem \
	    -d a.example
	attrs OID:rsaEncryption OID:sha512WithRSAEncryption </dev/null
	wants
	makes -k rsa.key -d a.example
	openssl req -in new.pem -noout -text | grep -q sha512WithRSAEncryption
	refuses 'the server wants another key: mkkey -t rsa' -k ed.key \
	    -d a.example
	attrs SEQUENCE:key <<-END
	[key]
	a = OID:rsaEncryption
	b = SET:bits
	[bits]
	a = INTEGER:4096
	END
	wants
	refuses 'the server wants another key: mkkey -t rsa4096' -k rsa.key \
	    -d a.example
	attrs OID:ED25519 OID:SHA256 </dev/null
	wants
	makes -k ed.key -d a.example
}

@test "est-csrattrs: extensions and the subject are obeyed by mkcsr -Q" {
	attrs OID:serialNumber OID:1.2.3.4 SEQUENCE:req <<-END
	[req]
	a = OID:extReq
	b = SET:exts
	[exts]
	a = SEQUENCE:list
	[list]
	a = SEQUENCE:usage
	[usage]
	a = OID:extendedKeyUsage
	b = OCTWRAP,SEQUENCE:client
	[client]
	a = OID:clientAuth
	END
	wants
	[ "$(jq -c '[.subject, .ignored]' want.json)" = \
	    '[["2.5.4.5"],["1.2.3.4"]]' ]
	refuses 'the server wants serialNumber in the subject (-N)' \
	    -k key.pem -N CN=dev1
	makes -k key.pem -N CN=dev1,serialNumber=7 -d a.example
	openssl req -in new.pem -noout -text >text
	grep -q 'TLS Web Client Authentication' text
	grep -q DNS:a.example text
}

@test "est-csrattrs: names of the server's own are taken by mkcsr -Q" {
	reply csrattrs 200 <<-END
	MGgwZgYJKoZIhvcNAQkOMVkwVzBVBgNVHREBAf8ESzBJoEcGCCsGAQUFBwgKoDsW
	OXJmYzg5OTQrZmQ3MzlmYzIzYzM0NDAxMTIyMzM0NDU1MDAwMDAwMDArQGFjcC5l
	eGFtcGxlLmNvbQ==
	END
	wants
	makes -k key.pem
	openssl req -in new.pem -noout -text -reqopt ext_parse |
	    grep -q rfc8994+fd739fc23c3440112233445500000000+@acp.example.com
	refuses 'the server says itself which names are to be asked for' \
	    -k key.pem -d a.example
}

@test "est-csrattrs: C16 who demands channel binding is refused by mkcsr -Q" {
	reply csrattrs 200 <<-END
	MDIGCSqGSIb3DQEJBzASBgcqhkjOPQIBMQcGBSuBBAAiBgcrBgEBAQEWBggqhkjO
	PQQDAw==
	END
	wants
	refuses "the server wants requests bound to its connection\
 (challengePassword), which is out of reach here" -k key.pem -d a.example
}

@test "est-csrattrs: mkcsr -Q refuses what is none of it" {
	local text
	for text in '' '[]' '{"digest":"MD5"}' '{"subject":["x"]}' \
	    '{"extensions":[{"oid":"1.2","der":"0"}]}' \
	    '{"extensions":[7]}'; do
		printf '%s' "$text" >want.json
		run -2 --separate-stderr mkcsr -Q want.json -k key.pem \
		    -d a.example
		[ -z "$output" ]
		[[ $stderr == 'mkcsr: want.json: '* ]]
	done
	echo "$nothing" >want.json
	makes -k key.pem -d a.example
}

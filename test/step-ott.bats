#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What step-ott makes and refuses; whether a step-ca takes it is in
# e2e-step.bats, and one of step's own tokens in unit/ott-test.c.

load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	make_key jwk.key
	make_key key.pem
	mkcsr -k key.pem -N CN=device-7 -d a.example -i 192.0.2.1 >req.pem
	opts=(-u https://ca.example:4210 -P jwk -k jwk.key)
}

# part NUMBER: of the token, decoded.
part() {
	local text
	text=$(cut -d. -f"$1" ott | tr '_-' '/+')
	while [ $((${#text} % 4)) -ne 0 ]; do text+='='; done
	base64 -d <<<"$text"
}

# signed KEY: by it, as openssl sees it.
signed() {
	local s
	cut -d. -f1,2 ott | tr -d '\n' >input
	s=$(part 3 | od -An -v -tx1 | tr -d ' \n')
	[ ${#s} -eq 128 ]
	cat >der.cnf <<-END
	asn1=SEQUENCE:sig
	[sig]
	r=INTEGER:0x${s:0:64}
	s=INTEGER:0x${s:64}
	END
	openssl asn1parse -genconf der.cnf -noout -out sig.der
	openssl pkey -in "$1" -pubout -out pub.pem
	openssl dgst -sha256 -verify pub.pem -signature sig.der input
}

@test "step-ott: keeps the contract of all commands" {
	contract step-ott
}

@test "step-ott: says what step-ca wants to know, for five minutes" {
	require jq
	step-ott "${opts[@]}" -T 1800000000 -F "$(printf '%064d' 7)" \
	    req.pem >ott
	part 1 | jq -e '.alg == "ES256" and .typ == "JWT" and
	    (.kid | length) == 43 and (has("x5c") | not)'
	part 2 | jq -e 'del(.jti, .sha) == {
	    aud: "https://ca.example:4210/1.0/sign", iss: "jwk",
	    sub: "device-7", sans: ["a.example", "192.0.2.1"],
	    iat: 1800000000, nbf: 1800000000, exp: 1800000300} and
	    (.jti | length) == 43 and (.sha | length) == 64'
	signed jwk.key
}

@test "step-ott: the kid is the thumbprint, unless it is said" {
	require step jq
	step-ott "${opts[@]}" req.pem >ott
	[ "$(part 1 | jq -r .kid)" = "$(openssl pkey -in jwk.key -pubout |
	    step crypto key format --jwk | step crypto jwk thumbprint)" ]
	step-ott "${opts[@]}" -K 'the key' req.pem >ott
	[ "$(part 1 | jq -r .kid)" = 'the key' ]
}

@test "step-ott: no two tokens are the same" {
	require jq
	step-ott "${opts[@]}" -T 1800000000 req.pem >ott
	part 2 | jq -r .jti >first
	step-ott "${opts[@]}" -T 1800000000 req.pem >ott
	[ "$(part 2 | jq -r .jti)" != "$(<first)" ]
}

@test "step-ott -c: the chain is in the header, the provisioner in aud" {
	require jq
	step-ott -u https://ca.example/ -P 'a b' -k "$CA/a.example.key" \
	    -c "$CA/a.example.chain.pem" req.pem >ott
	part 1 | jq -e '(has("kid") | not) and (.x5c | length) >= 1'
	part 1 | jq -r '.x5c[0]' | base64 -d | openssl x509 -inform DER \
	    -out leaf.pem
	cmp leaf.pem <(openssl x509 -in "$CA/a.example.pem")
	[ "$(part 2 | jq -r .aud)" = 'https://ca.example/1.0/sign#x5c/a%20b' ]
	signed "$CA/a.example.key"
}

@test "step-ott -c: refuses the key of another certificate" {
	run -2 --separate-stderr step-ott "${opts[@]}" -c "$CA/a.example.pem" \
	    req.pem
	[[ $stderr == 'step-ott: key: '* ]]
}

@test "step-ott -r: is about a serial number, and names nobody" {
	require jq
	step-ott "${opts[@]}" -r "$CA/a.example.pem" >ott
	part 2 | jq -e '.aud == "https://ca.example:4210/1.0/revoke" and
	    (has("sans") | not)'
	part 2 | jq -r .sub >sub
	step-ott "${opts[@]}" -r -I "0x$(openssl x509 -noout -serial \
	    -in "$CA/a.example.pem" | cut -d= -f2)" >ott
	[ "$(part 2 | jq -r .sub)" = "$(<sub)" ]
	step-ott "${opts[@]}" -r -I 0x2A >ott
	[ "$(part 2 | jq -r .sub)" = 42 ]
	run -2 --separate-stderr step-ott "${opts[@]}" -r -I 0
	[ "$stderr" = 'step-ott: 0: not a serial number' ]
}

@test "step-ott: a request without names is for its common name" {
	require jq
	mkcsr -k key.pem -N CN=device-7 >cn.pem
	step-ott "${opts[@]}" cn.pem >ott
	part 2 | jq -e '.sub == "device-7" and .sans == ["device-7"]'
	mkcsr -k key.pem -d b.example -d c.example >san.pem
	step-ott "${opts[@]}" san.pem >ott
	part 2 | jq -e '.sub == "b.example" and
	    .sans == ["b.example", "c.example"]'
	mkcsr -k key.pem -N O=Factory >none.pem
	run -2 --separate-stderr step-ott "${opts[@]}" none.pem
	[ "$stderr" = \
	    'step-ott: none.pem: a request without names; mkcsr -d NAME' ]
}

@test "step-ott: refuses what is no URL, fingerprint or safe key file" {
	run -2 --separate-stderr step-ott -P jwk -k jwk.key -u http://ca req.pem
	[[ $stderr == 'step-ott: http://ca: not an https URL'* ]]
	run -2 --separate-stderr step-ott "${opts[@]}" -F 12 req.pem
	[[ $stderr == 'step-ott: -F 12: not a SHA-256'* ]]
	chmod 644 jwk.key
	run -2 --separate-stderr step-ott "${opts[@]}" req.pem
	[[ $stderr == 'step-ott: jwk.key: '* ]]
}

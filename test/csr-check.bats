#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The rules one by one are in unit/csrpolicy-test.c; here are requests that
# openssl makes.

load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	cp "$CA"/a.example.* "$CA/root.pem" .
	key=a.example.key
}

# request ARGS...: req.csr, made by openssl.
request() {
	openssl req -new -key "$key" -out req.csr "$@" 2>openssl.err
}

# good ARGS..., bad REASONS ARGS...: the answer for req.csr.
good() {
	run -0 --separate-stderr csr-check "$@" req.csr
	[ -z "$stderr" ]
	[[ $output == '{"ok":true,"reasons":[],"subject":"'* ]]
}

bad() {
	run -1 --separate-stderr csr-check "${@:2}" req.csr
	[ -z "$stderr" ]
	[ "${#lines[@]}" -eq 1 ]
	[[ $output == '{"ok":false,"reasons":["'"${1//,/\",\"}"'"],'* ]] || {
		echo "expected $1: $output"
		false
	}
}

refused() {
	run -2 --separate-stderr csr-check "${@:2}"
	[ -z "$output" ]
	[ "$stderr" = "csr-check: $1" ] || {
		echo "said: $stderr"
		false
	}
}

@test "csr-check keeps the contract of all commands" {
	run -0 contract csr-check
}

@test "csr-check shows what is asked for as JSON" {
	request -subj '/O=Fab "1"/CN=a.example' -addext \
	    'subjectAltName=DNS:A.example,IP:2001:db8::1,URI:urn:x,email:j@b.example'
	good
	spki=$(openssl req -in req.csr -noout -pubkey |
	    openssl pkey -pubin -outform DER | sha256sum)
	[ "$output" = '{"ok":true,"reasons":[],'\
'"subject":"CN=a.example,O=Fab \\\"1\\\"","sans":["a.example",'\
'"2001:db8::1","URI:urn:x","email:j@b.example"],"key":"P-256",'\
'"spki_sha256":"'"${spki%% *}"'","challenge_password":false}' ]
}

@test "csr-check names the type of the key, and refuses weak ones" {
	for type in rsa2048:rsa2048 p384:P-384 ed25519:Ed25519; do
		make_key "${type%:*}.key" "${type%:*}"
		key=${type%:*}.key request -subj /CN=a
		good
		[ "$(jq -r .key <<<"$output")" = "${type#*:}" ]
	done
	make_key weak.key rsa1024
	key=weak.key request -subj /CN=a
	bad weak_key
}

@test "csr-check verifies the request's signature" {
	request -subj /CN=a -sha1
	bad bad_signature
	request -subj /CN=a
	# The last bits of the signature are others.
	openssl req -in req.csr -outform DER -out req.der
	last=$(tail -c 1 req.der | od -An -tu1)
	{
		echo '-----BEGIN CERTIFICATE REQUEST-----'
		{
			head -c -1 req.der
			printf '%b' "\\0$(printf %o $((last ^ 7)))"
		} | openssl base64
		echo '-----END CERTIFICATE REQUEST-----'
	} >req.csr
	bad bad_signature
}

@test "csr-check judges by a policy and names what is refused" {
	cat >policy <<-'END'
	# the plant
	DNS_NAMES=.plant.example
	IP_NAMES=192.0.2.0/24
	SUBJECT=O=Fab*
	KEYS=P-256
	END
	request -subj '/O=Fab 7/CN=p.plant.example' -addext \
	    subjectAltName=DNS:p.plant.example,IP:192.0.2.4
	good -b policy
	request -subj '/O=Fab 7' -addext \
	    subjectAltName=DNS:p.plant.example,DNS:plant.example,IP:203.0.113.1
	bad name_not_allowed -b policy
	[ "$(jq -r .refused <<<"$output")" = plant.example ]
	request -subj '/O=Other/CN=x' -addext \
	    subjectAltName=DNS:p.plant.example
	bad subject_not_allowed -b policy
	[ "$(jq -r .refused <<<"$output")" = O=Other ]
	make_key p384.key p384
	key=p384.key request -subj /O=Fab -addext 'subjectAltName=URI:urn:x'
	bad key_not_allowed,name_not_allowed -b policy
	request -subj /O=Fab
	good -b policy
}

@test "csr-check refuses a CA, an empty request, names nobody should have" {
	request -subj / -addext basicConstraints=CA:TRUE
	bad wants_ca,no_name
	request -subj /CN=a -addext subjectAltName=DNS:a..example,RID:1.2.3
	bad bad_name
	[ "$(jq -r .refused <<<"$output")" = a..example ]
	request -subj /CN=a/CN=b
	bad ambiguous
}

@test "csr-check says that there is a challengePassword, never which" {
	printf '%s\n' '[req]' distinguished_name=dn attributes=at prompt=no \
	    '[dn]' CN=a '[at]' challengePassword=Sesame7 >cnf
	request -config cnf
	good
	[ "$(jq .challenge_password <<<"$output")" = true ]
	[[ $output != *Sesame7* ]]
}

@test "csr-check compares with the certificate to be renewed" {
	mkcsr -k "$key" -x a.example.pem >req.csr
	good -x a.example.pem
	make_cert . old issuer=self subject='/O=Fab  7/CN=a' \
	    san=DNS:a.example,IP:192.0.2.1
	key=old.key request -subj '/O=fab 7/CN=A' -addext \
	    subjectAltName=IP:192.0.2.1,DNS:A.EXAMPLE
	good -x old.pem
	make_key new.key
	key=new.key request -subj '/CN=a/O=Fab 7' -addext \
	    subjectAltName=DNS:a.example,IP:192.0.2.1
	bad subject_differs -x old.pem
	request -subj '/O=Fab 7/CN=a' -addext subjectAltName=DNS:a.example
	bad names_differ -x old.pem
	request -subj '/O=Fab 7/CN=a'
	bad names_differ -x old.pem
}

@test "csr-check refuses what is not one request" {
	request -subj /CN=a
	cat req.csr req.csr >two.csr
	refused 'two.csr: not one certificate request and nothing else' two.csr
	cat req.csr a.example.pem >mix.csr
	refused 'mix.csr: not one certificate request and nothing else' mix.csr
	refused 'a.example.pem: not one certificate request and nothing else' \
	    a.example.pem
	{
		echo '-----BEGIN CERTIFICATE REQUEST-----'
		{ openssl req -in req.csr -outform DER && echo; } |
		    openssl base64
		echo '-----END CERTIFICATE REQUEST-----'
	} >long.csr
	refused 'long.csr: 1 bytes behind the certificate request' long.csr
}

@test "csr-check refuses a policy that is none, with its line" {
	request -subj /CN=a
	printf 'KEYS=P-256\nDNS_NAME=a\n' >policy
	refused 'policy: line 2: no such key' -b policy req.csr
	printf '\n#\nIP_NAMES=::1 192.0.2.1/8\n' >policy
	refused 'policy: line 3: bits are set behind the prefix' \
	    -b policy req.csr
}

#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What acme-order refuses before it asks anybody.  The servers are in
# e2e-acme.bats.

load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	mkdir web
	make_key key.pem
	make_key account.pem
	request DNS:a.example
}

# request SANS [KEY]: req.pem, by openssl.
request() {
	openssl req -new -config /dev/null -subj / -key "${2-key.pem}" \
	    -out req.pem ${1:+-addext "subjectAltName=$1"}
}

# Nobody listens on port 9: what gets that far is 75.
order() {
	acme-order -u https://127.0.0.1:9/dir -A "$CA/root.pem" \
	    -a account.pem -w web "$@"
}

refused() {
	run -2 --separate-stderr order "${@:2}"
	[ -z "$output" ]
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ $stderr == "acme-order: "*"$1"* ]] || {
		echo "$stderr"
		return 1
	}
	[ -z "$(find web -type f)" ]
}

@test "acme-order: keeps the contract of all commands" {
	contract acme-order
}

@test "acme-order: a good request reaches for the server" {
	run -75 --separate-stderr order req.pem
	[[ $stderr == "acme-order: https://127.0.0.1:9/dir: "*"connect"* ]]
	run -75 --separate-stderr order - <req.pem
	run -75 --separate-stderr acme-order -u https://127.0.0.1:9/dir \
	    -A "$CA/root.pem" -a account.pem -l 127.0.0.1:0 req.pem
}

@test "acme-order: -X wants a certificate, which may name no authority key" {
	make_cert . own issuer=self
	run -1 grep -q 'Authority Key' <(openssl x509 -in own.pem -noout -text)
	run -75 order -X own.pem req.pem
	refused 'req.pem: no certificate in PEM form found' -X req.pem req.pem
}

@test "acme-order: what goes together and what does not" {
	local all=(-u https://127.0.0.1:9/ -A "$CA/root.pem" -a account.pem)
	run -2 --separate-stderr acme-order "${all[@]}" req.pem
	[[ $stderr == "usage: acme-order "* ]]
	run -2 --separate-stderr acme-order "${all[@]}" -w web -l :0 req.pem
	[ "$stderr" = 'acme-order: -w web, -l :0: only one can answer HTTP-01;'"\
 -l addr:port/tls goes with -w" ]
	run -2 --separate-stderr acme-order "${all[@]:2}" -w web req.pem
	[[ $stderr == "usage: acme-order "* ]]
}

@test "acme-order: 6.1 a directory URL that is not https is refused" {
	local url
	for url in http://127.0.0.1:9/dir file:///etc/passwd nonsense ''; do
		run -2 --separate-stderr acme-order -u "$url" \
		    -A "$CA/root.pem" -a account.pem -w web req.pem
		[[ $stderr == "acme-order: $url: not an https URL" ]]
	done
}

@test "acme-order: a request without names is refused" {
	request ''
	refused 'req.pem: a request without names; mkcsr -d NAME' req.pem
}

@test "acme-order: 7.1.4 names that ACME or HTTP-01 cannot prove are refused" {
	request 'DNS:a.example,URI:urn:x'
	refused 'urn:x: ACME is for DNS names and IP addresses only' req.pem
	request 'DNS:*.a.example'
	refused '*.a.example: only DNS-01 can prove a wildcard' req.pem
}

@test "acme-order: 7.4 a request that its key did not sign is refused" {
	request DNS:a.example
	openssl req -in req.pem -outform DER -out req.der
	printf '\377' | dd of=req.der bs=1 conv=notrunc status=none \
	    seek=$(($(stat -c %s req.der) - 5))
	openssl req -inform DER -in req.der -out req.pem
	refused 'req.pem: the request is not signed by its own key' req.pem
}

@test "acme-order: an RSA-1024 key is refused" {
	make_key weak.pem rsa1024
	request DNS:a.example weak.pem
	refused 'req.pem: RSA key of 1024 bits' req.pem
	request DNS:a.example
	cp weak.pem account.pem
	refused 'account.pem: RSA key of 1024 bits' req.pem
}

@test "acme-order: an account key that others can read is refused" {
	chmod 644 account.pem
	refused 'account.pem: mode 0644: a private key must not be open' req.pem
	chmod 660 account.pem
	refused 'account.pem: mode 0660' req.pem
	chmod 640 account.pem
	run -75 order req.pem
}

@test "acme-order: an encrypted account key is refused" {
	openssl pkey -in key.pem -aes256 -passout pass:x -out account.pem
	refused 'account.pem: the key is encrypted' req.pem
}

@test "acme-order: an account key that is no key is refused" {
	echo nonsense >account.pem
	chmod 600 account.pem
	refused 'account.pem: no private key in PEM form found' req.pem
}

@test "acme-order: an account key that is missing is made, complete or not at all" {
	rm account.pem
	run -75 --separate-stderr order req.pem
	[[ ${stderr_lines[0]} == "acme-order: account.pem: made a new account \
key (P-256)" ]]
	[ "$(stat -c %a account.pem)" = 600 ]
	run -0 openssl pkey -in account.pem -noout
	run -2 --separate-stderr acme-order -u https://127.0.0.1:9/ -w web \
	    -A "$CA/root.pem" -a missing/account.pem req.pem
	[[ $stderr == *"missing"*"No such file or directory"* ]]
}

@test "acme-order: anchors that are none are refused" {
	: >empty
	run -2 --separate-stderr acme-order -u https://127.0.0.1:9/ -A empty \
	    -a account.pem -w web req.pem
	[ "$stderr" = 'acme-order: empty: no certificate in PEM form found' ]
	refused 'empty: no certificate in PEM form found' -B empty req.pem
}

@test "acme-order: a webroot that is missing is refused" {
	run -2 --separate-stderr acme-order -u https://127.0.0.1:9/ -w nowhere \
	    -A "$CA/root.pem" -a account.pem req.pem
	[[ $stderr == *"nowhere"*"No such file or directory"* ]]
}

@test "acme-order: an address that cannot be listened on is refused" {
	start_bg http01-serve -l 127.0.0.1:0 -w web
	wait_file "$BATS_TEST_TMPDIR/bg.0.log"
	local taken
	taken=$(<"$BATS_TEST_TMPDIR/bg.0.log")
	run -2 --separate-stderr acme-order -u https://127.0.0.1:9/ -l "$taken" \
	    -A "$CA/root.pem" -a account.pem req.pem
	stop_bg
	[[ $stderr == *"$taken: "*"in use"* ]]
	run -2 --separate-stderr acme-order -u https://127.0.0.1:9/ -l nonsense \
	    -A "$CA/root.pem" -a account.pem req.pem
	[ "${#stderr_lines[@]}" -eq 1 ]
}

@test "acme-order: -e has the end of a run that cannot ask" {
	local args=(-A "$CA/root.pem" -a account.pem -w web)
	run -2 --separate-stderr acme-order "${args[@]}" -u http://a.example/ \
	    -e events req.pem
	run -2 --separate-stderr acme-order "${args[@]}" -A nowhere \
	    -u https://127.0.0.1:9/ -e events req.pem
	[ "$(jq -c '[.event, .exit, .reason]' events)" = \
	    "$(printf '["end",2,"other"]\n%.0s' 1 2)" ]
}

@test "acme-order: -m and -T take numbers in range only" {
	refused '-m 0: not a whole number between 1 and 86400' -m 0 req.pem
	refused '-m x: not' -m x req.pem
	refused '-T -1: not' -T -1 req.pem
}

@test "acme-order: an event file that cannot be opened is refused" {
	refused 'nowhere/ev: No such file or directory' -e nowhere/ev req.pem
}

@test "acme-order: the accounts beside the key may be junk" {
	head -c 5000 /dev/urandom >account.pem.accounts
	run -75 --separate-stderr order req.pem
	head -c 100000 /dev/zero >account.pem.accounts
	run -75 --separate-stderr order req.pem
	[[ $stderr == *"account.pem.accounts: larger than the limit"* ]]
}

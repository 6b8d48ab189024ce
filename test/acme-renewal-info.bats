#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What acme-renewal-info refuses by itself; the servers are in
# e2e-acme-life.bats.

load helper

all=(-u https://127.0.0.1:9/dir -A "$CA/root.pem")

@test "acme-renewal-info: keeps the contract of all commands" {
	contract acme-renewal-info
}

@test "acme-renewal-info: a server that is down is 75, not an answer" {
	run -75 --separate-stderr acme-renewal-info "${all[@]}" \
	    "$CA/a.example.pem"
	[ -z "$output" ]
	[[ $stderr == "acme-renewal-info: https://127.0.0.1:9/dir: "* ]]
	[ "${#stderr_lines[@]}" -eq 1 ]
}

@test "acme-renewal-info: nobody is asked about a certificate that has expired (RFC 9773 4.3)" {
	run -1 --separate-stderr acme-renewal-info "${all[@]}" -T 4000000000 \
	    "$CA/a.example.pem"
	[ "$stderr" = 'acme-renewal-info: the certificate has expired: going by the lifetime' ]
	[[ $output == *'"source":"lifetime"'*'"due":true'* ]]
}

@test "acme-renewal-info: a directory that is not https is refused" {
	run -2 --separate-stderr acme-renewal-info -u http://127.0.0.1:9/ \
	    -A "$CA/root.pem" "$CA/a.example.pem"
	[ "$stderr" = \
	    'acme-renewal-info: http://127.0.0.1:9/: not an https URL' ]
}

@test "acme-renewal-info: -m and -T take numbers in range only" {
	run -2 --separate-stderr acme-renewal-info "${all[@]}" -m 0 x
	[[ $stderr == *"-m 0: not a whole number between 1 and 86400" ]]
	run -2 --separate-stderr acme-renewal-info "${all[@]}" -T x x
	[[ $stderr == *"-T x: not a whole number between 0 and "* ]]
}

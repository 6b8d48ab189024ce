#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What acme-account refuses by itself; the servers are in e2e-acme-life.bats.

load helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	make_key key.pem
}

account() {
	acme-account -u https://127.0.0.1:9/dir -A "$CA/root.pem" -a key.pem "$@"
}

# refused TEXT ARGS...
refused() {
	run -2 --separate-stderr account "${@:2}"
	[ -z "$output" ]
	[ "$stderr" = "acme-account: $1" ] || {
		echo "$stderr"
		return 1
	}
}

@test "acme-account: keeps the contract of all commands" {
	contract acme-account
}

@test "acme-account: every command reaches for the server" {
	local c
	for c in new show update orders deactivate; do
		run -75 --separate-stderr account "$c"
		[[ $stderr == "acme-account: https://127.0.0.1:9/dir: "* ]]
	done
	make_key next.pem
	run -75 account -k next.pem rollover
}

@test "acme-account: a command it does not know is refused" {
	refused 'frobnicate: not a command; one of deactivate, new, orders, rollover, show, update' \
	    frobnicate
}

@test "acme-account: -k belongs to rollover, contacts to new and update" {
	run -2 --separate-stderr account rollover
	[[ $stderr == "usage: acme-account "* ]]
	run -2 --separate-stderr account -k key.pem show
	[[ $stderr == "usage: acme-account "* ]]
	run -2 --separate-stderr account show mailto:a@b.example
	[[ $stderr == "usage: acme-account "* ]]
}

@test "acme-account: only new makes a key" {
	run -2 --separate-stderr acme-account -u https://127.0.0.1:9/dir \
	    -A "$CA/root.pem" -a none.pem show
	[ "$stderr" = 'acme-account: none.pem: No such file or directory' ]
	[ ! -e none.pem ]
	run -75 --separate-stderr acme-account -u https://127.0.0.1:9/dir \
	    -A "$CA/root.pem" -a none.pem new
	[ "$(stat -c %a none.pem)" = 600 ]
}

@test "acme-account: an account binding that is none is refused" {
	umask 077
	echo '{' >eab.json
	run -2 --separate-stderr account -E eab.json new
	[[ $stderr == "acme-account: eab.json: not JSON: "* ]]
	echo '{"kid": "a"}' >eab.json
	refused 'eab.json: not {"kid": "...", "mac": "base64url"}' \
	    -E eab.json new
	echo '{"kid": "a", "mac": "!!!!"}' >eab.json
	refused 'eab.json: mac is no base64url text of 16 bytes or more' \
	    -E eab.json new
	chmod 644 eab.json
	refused 'eab.json: mode 0644: a secret must not be open to others; chmod 0600' \
	    -E eab.json new
	refused 'none.json: No such file or directory' -E none.json new
}

# SPDX-License-Identifier: ISC
# shellcheck shell=bash disable=SC2154	# output and stderr: of run
# What the tests of cert-deploy have in common; for bats files that load helper.

# Two pairs, a and b, that every test gets copies of.
setup_file() {
	cd "$BATS_FILE_TMPDIR" || return
	cp -R "$CA" ca || return
	make_cert ca b.example san=DNS:b.example || return
	mkdir pairs || return
	for name in a b; do
		cp "ca/$name.example.key" "pairs/$name.key" &&
		    cp "ca/$name.example.pem" "pairs/$name.pem" &&
		    cp "ca/$name.example.chain.pem" "pairs/$name.chain.pem" ||
		    return
	done
}

setup() {
	mkdir "$BATS_TEST_TMPDIR/work" && cd "$BATS_TEST_TMPDIR/work" &&
	    cp -p "$BATS_FILE_TMPDIR"/pairs/* .
}

teardown() {
	stop_bg
}

# deploy PAIR [STORE]: without output.
deploy() {
	cert-deploy -k "$1.key" "${2-st}" "$1.chain.pem" >/dev/null
}

# is_pair STORE PAIR: what current leads to is that pair and complete.
is_pair() {
	local gen
	gen=$(cd -P "$1/current" && pwd) || return
	cmp "$gen/fullchain.pem" "$2.chain.pem" || return
	cmp "$gen/cert.pem" "$2.pem" || return
	cat "$gen/cert.pem" "$gen/chain.pem" | cmp - "$gen/fullchain.pem" ||
	    return
	cat "$gen/key.pem" "$gen/fullchain.pem" | cmp - "$gen/keychain.pem" ||
	    return
	[ "$(openssl pkey -in "$gen/key.pem" -pubout)" = \
	    "$(openssl x509 -in "$gen/cert.pem" -noout -pubkey)" ]
}

# refused TEXT ARGS: exit 2 with that one line, nothing made.
refused() {
	run -2 --separate-stderr cert-deploy "${@:2}"
	[ -z "$output" ]
	if [ "$stderr" != "cert-deploy: $1" ]; then
		printf 'stderr: %s\n' "$stderr" >&2
		return 1
	fi
	[ ! -e st ]
}

modes() {
	(cd "$1" && stat -c '%a %n' . ./*)
}

#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# NIST's Public Key Interoperability Test Suite: all tests of sections 4.4
# (revocation), 4.5 (self-issued certificates), 4.7 (key usage), 4.14
# (distribution points) and 4.15 (delta lists).  Each test comes as a signed
# message with the certificates and lists that belong to it.  A path is good
# when all its certificates are.  pkits.table has what is expected and why.

load helper

data=/usr/lib/python3/dist-packages/cryptography_vectors/x509/PKITS_data
now=1420070400		# 2015-01-01, when all but those meant to be are valid

setup_file() {
	[ -d "$data" ] || {
		echo 'python3-cryptography-vectors is not installed' >&2
		return 1
	}
	cd "$BATS_FILE_TMPDIR" || return
	openssl x509 -inform DER -out anchor.pem \
	    -in "$data/certs/TrustAnchorRootCertificate.crt"
}

# unpack MESSAGE: all.pem, N.pem for each certificate, N.crl for each list.
unpack() {
	openssl smime -pk7out -in "$1" | openssl pkcs7 -print_certs -out all.pem
	awk '/^-----BEGIN/ { to = ++n (/CRL/ ? ".crl" : ".pem") }
	    to { print >to }
	    /^-----END/ { to = "" }' all.pem
}

is_ca() {
	openssl x509 -in "$1" -noout -ext basicConstraints 2>/dev/null |
	    grep -q CA:TRUE
}

# judge FILE: what crl-check says of it, in order of badness.
judge() {
	local rc=0
	crl-check -T "$now" -B anchor.pem "${lists[@]}" "$1" >>answers || rc=$?
	echo "$rc" >>codes
}

# path MESSAGE: the worst code of all certificates in the message.  The leaves
# are judged together; a CA is judged without what it has certified.
path() {
	local ca code other subject lists=() f
	rm -f ./*.pem ./*.crl codes answers
	cp "$BATS_FILE_TMPDIR/anchor.pem" .
	unpack "$1"
	for f in ./*.crl; do
		lists+=(-R "$f")
	done
	judge all.pem
	for ca in [0-9]*.pem; do
		is_ca "$ca" || continue
		subject=$(openssl x509 -in "$ca" -noout -subject_hash)
		cp "$ca" input
		for other in [0-9]*.pem; do
			if [ "$other" != "$ca" ] && is_ca "$other" &&
			    [ "$(openssl x509 -in "$other" -noout \
				-issuer_hash)" != "$subject" ]; then
				cat "$other" >>input
			fi
		done
		judge input
	done
	# none was left out
	[ "$(grep -c . answers)" -ge "$(grep -c 'BEGIN CERT' all.pem)" ] || return
	for code in 1 2 75 0; do
		grep -qx "$code" codes && break
	done
	echo "$code"
}

# section N COUNT: each test of the table's section, all of them.
section() {
	local id name expected code reason got bad=0 count=0
	cd "$BATS_TEST_TMPDIR" || return
	while read -r id name expected code reason; do
		[[ $id == "$1".* ]] || continue
		count=$((count + 1))
		got=$(path "$data/smime/Signed$name.eml")
		# no wrong good, whatever the table says
		if [ "$got" != "$code" ] ||
		    { [ "$expected" = invalid ] && [ "$got" = 0 ]; } ||
		    { [ "$expected" = valid ] && [ "$got" != 0 ] &&
			[ -z "$reason" ]; }; then
			echo "$id $name: $got, not $code"
			cat answers
			bad=1
		fi
	done <"$BATS_TEST_DIRNAME/pkits.table"
	[ "$count" -eq "$2" ] && [ "$bad" -eq 0 ]
}

@test "crl-check: PKITS 4.4, revocation" { section 4.4 21; }

@test "crl-check: PKITS 4.5, self-issued certificates" { section 4.5 8; }

@test "crl-check: PKITS 4.7, key usage" { section 4.7 5; }

@test "crl-check: PKITS 4.14, distribution points" { section 4.14 35; }

@test "crl-check: PKITS 4.15, delta lists" { section 4.15 10; }

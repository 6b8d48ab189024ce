# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# Once per run of bats: $CA/root.pem, int.pem, and a.example.{key,pem,chain.pem}
# with the names a.example and 127.0.0.1, good for 90 days.

setup_suite() {
	. "${BASH_SOURCE[0]%/*}/certs.bash"
	export CA=$BATS_SUITE_TMPDIR/ca
	make_ca "$CA"
	make_cert "$CA" a.example san=DNS:a.example,IP:127.0.0.1
}

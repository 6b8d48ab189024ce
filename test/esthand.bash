# SPDX-License-Identifier: ISC
# shellcheck shell=bash disable=SC2154	# status: of ra
# est-ra by hand, in the environment a front end makes; for bats files that load
# helper and estra.  No CA answers here: a request that was found good ends with
# 503 ca_unreachable.
#
#   answered STATUS [REASON]
#       so did the last request end
#   renewal CSR [VARIABLE=value ...]
#       with the CLIENT of cert_env

setup_file() {
	export EST_DIR=$BATS_FILE_TMPDIR/ca
	export EST_ROOT=$EST_DIR/root.pem EST_INT=$EST_DIR/int.pem
	export EST_INT_KEY=$EST_DIR/int.key EST_KEY=$EST_DIR/prov.key
	export EST_URL=https://127.0.0.1:9
	make_ca "$EST_DIR"
	make_key "$EST_KEY"
	make_cert "$EST_DIR" dev1.example san=DNS:dev1.example
	make_key "$EST_DIR/new.key"
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	est_conf default
	csr "$EST_DIR/new.key" /CN=dev1.example DNS:dev1.example >dev1.csr
}

teardown() {
	stop_bg
}

answered() {
	[ "$status" = "$1" ] || { cat answer log; return 1; }
	[ $# -lt 2 ] || said ".reason == \"$2\""
}

renewal() {
	ra_post /simplereenroll "$1" "${CLIENT[@]}" "${@:2}"
}

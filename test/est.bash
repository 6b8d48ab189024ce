# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# An EST server of canned answers, for what real servers will not do, played by
# doubles/httpsd.c (see there for its tricks).  For bats files that load helper.
#
#   est_files               in setup_file: $PKI, a CA with a key, a request
#                           (CN=dev1, a.example) and its certificate
#   est_double              in setup, in an empty directory: starts the server;
#                           sets base (URL) and port
#   reply OP STATUS [LINE]...       the answer to that operation: body of stdin,
#                           the head has these lines, or tricks
#   p7 [FILE...]            the certificates (of stdin) as an EST body
#   est COMMAND [OPTION]... the command, with -u and -A
#   ends CODE TEXT COMMAND [OPTION]...      it says TEXT, and nothing on stdout
#
# Each request is a line of the file requests: method, path, body.

est_files() {
	export PKI=$BATS_FILE_TMPDIR/pki
	make_ca "$PKI"
	make_key "$PKI/key.pem"
	make_cert "$PKI" leaf subject=/CN=dev1 san=DNS:a.example \
	    key="$PKI/key.pem"
	openssl req -new -config /dev/null -subj /CN=dev1 -key "$PKI/key.pem" \
	    -addext subjectAltName=DNS:a.example -out "$PKI/req.pem"
}

est_double() {
	require "$ECA_ROOT/build/doubles/httpsd"
	mkdir says
	cp -p "$PKI"/*.pem .
	port=$(free_port)
	base=https://127.0.0.1:$port
	start_bg sh -c 'exec "$@" >requests' sh \
	    "$ECA_ROOT/build/doubles/httpsd" "$port" \
	    "$CA/a.example.chain.pem" "$CA/a.example.key" says
	wait_port "$port"
}

reply() {
	{
		printf '%s\n' "$2" "${@:3}" ''
		cat
	} >"says/.well-known_est_$1"
}

p7() {
	cat "$@" | openssl crl2pkcs7 -nocrl -certfile /dev/stdin -outform DER |
	    base64 -w 64
}

est() {
	"$1" -u "$base" -A "$CA/root.pem" "${@:2}"
}

# shellcheck disable=SC2154	# stderr is set by run
ends() {
	SECONDS=0
	run "-$1" --separate-stderr est "${@:3}"
	[ "$SECONDS" -le 10 ]
	[ -z "$output" ]
	[[ $stderr == "$3: "*"$2"* ]] || {
		printf 'wanted: %s\ngot: %s\n' "$2" "$stderr" >&2
		return 1
	}
}

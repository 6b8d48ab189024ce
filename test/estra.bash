# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# What the tests of est-ra have in common.
#
#   est_conf LABEL [KEY=value ...]
#       conf/LABEL.conf: by token, names below .example, the CA of $EST_URL,
#       $EST_ROOT, $EST_INT, $EST_KEY (the provisioner's); KEY= takes a key
#       away
#   est_token [KEY=value ...]
#       a token for one use in tokens/, printed
#   ra METHOD PATH [VARIABLE=value ...]
#       est-ra as a front end runs it, stdin is the body; sets status, and
#       headers, body, log (files)
#   ra_post PATH FILE [VARIABLE=value ...]
#       the same for a body, application/pkcs10
#   csr KEY SUBJECT [SAN]
#       a request as base64 of DER, on stdout
#   make_crl FILE [from=TIME] [to=TIME] [SERIAL ...]
#       the list of $EST_INT, signed with $EST_INT_KEY
#   cert_env CERT [VERIFY]
#       CLIENT, variables for ra: the client has shown this certificate

# Options of the sanitizers, that env -i would take away.
SAN=("ASAN_OPTIONS=${ASAN_OPTIONS-}" "UBSAN_OPTIONS=${UBSAN_OPTIONS-}")

est_conf() {
	local label=$1 word
	shift
	mkdir -p conf state tokens queue/pending queue/approved queue/denied
	# shellcheck disable=SC2153	# EST_ROOT is set by the tests
	[ -s cas.pem ] || cat "$EST_INT" "$EST_ROOT" >cas.pem
	{
		cat <<-END
		CA_URL=$EST_URL
		CA_ROOT=$EST_ROOT
		CACERTS=$PWD/cas.pem
		PROVISIONER=jwk
		PROVISIONER_KEY=$EST_KEY
		STATE_DIR=$PWD/state
		TOKEN_DIR=$PWD/tokens
		ENROLL=token
		CRL=$PWD/ca.crl
		DNS_NAMES=.example
		MAX_PER_MINUTE=10000
		END
	} >conf/new
	for word; do
		sed -i "/^${word%%=*}=/d" conf/new
		[ -z "${word#*=}" ] || echo "$word" >>conf/new
	done
	mv conf/new "conf/$label.conf"
}

est_token() {
	local token salt
	token=$(LC_ALL=C tr -dc 0-9a-hjkmnp-tv-z </dev/urandom | head -c 35) ||
	    true
	salt=$(openssl rand -hex 16)
	{
		printf 'SALT=%s\nSHA256=%s\n' "$salt" \
		    "$(printf %s%s "$salt" "$token" | sha256sum | cut -d' ' -f1)"
		[[ " $* " == *" USES="* ]] || echo USES=once
		[ $# -eq 0 ] || printf '%s\n' "$@"
	} >"tokens/${token:0:5}"
	echo "$token"
}

ra() {
	local method=$1 path=$2
	shift 2
	env -i "${SAN[@]}" HTTPS=on REMOTE_ADDR=192.0.2.7 \
	    EST_RA_CONF="$PWD/conf" REQUEST_METHOD="$method" PATH_INFO="$path" "$@" \
	    timeout 60 "$ECA_BIN/est-ra" >answer 2>log || return
	sed '/^\r$/q' answer | tr -d '\r' >headers
	sed '1,/^\r$/d' answer >body
	status=$(sed -n 's/^Status: \([0-9]*\) .*/\1/p' headers)
	[ "$(wc -l <log)" -eq 1 ]
	jq -e --arg s "$status" '.status == ($s | tonumber) and
	    .service == "est-ra"' log >/dev/null
}

ra_post() {
	local path=$1 file=$2 len
	shift 2
	len=$(stat -L -c %s "$file")
	ra POST "$path" CONTENT_TYPE=application/pkcs10 \
	    CONTENT_LENGTH="$len" "$@" <"$file"
}

# basic TOKEN: the variable a front end makes of it.
basic() {
	echo "HTTP_AUTHORIZATION=Basic $(printf %s ":$1" | openssl base64 -A)"
}

csr() {
	openssl req -new -key "$1" -subj "$2" ${3:+-addext "subjectAltName=$3"} \
	    -outform DER | openssl base64 -A
	echo
}

make_crl() {
	local file=$1 from='1 hour ago' to='1 day' word
	shift
	: >crl.index
	printf '01\n' >crl.number
	printf '[ca]\ndefault_ca = c\n[c]\ndatabase = crl.index\n%s\n' \
	    'crlnumber = crl.number
default_md = sha256
crl_extensions = x
[x]
authorityKeyIdentifier = keyid:always' >crl.cnf
	for word; do
		case $word in
		from=* | to=*) local "$word" ;;
		*) printf 'R\t%s\t%s,keyCompromise\t%s\tunknown\t/CN=x\n' \
			401231235959Z 200101000000Z "$word" >>crl.index ;;
		esac
	done
	openssl ca -gencrl -config crl.cnf -cert "$EST_INT" \
	    -keyfile "$EST_INT_KEY" -out "$file" \
	    -crl_lastupdate "$(date -u -d "$from" +%Y%m%d%H%M%SZ)" \
	    -crl_nextupdate "$(date -u -d "$to" +%Y%m%d%H%M%SZ)" 2>crl.err ||
	    { cat crl.err >&2; return 1; }
}

cert_env() {
	# shellcheck disable=SC2034	# for the tests
	CLIENT=("SSL_CLIENT_VERIFY=${2-SUCCESS}" "SSL_CLIENT_CERT=$(<"$1")")
}

# waiting_ra VARIABLE=value ...: est-ra in the background, waiting for a body.
waiting_ra() {
	[ -p pipe ] || mkfifo pipe
	exec 7<>pipe
	# shellcheck disable=SC2016	# for the inner shell
	start_bg bash -c 'exec "$@" <pipe 7>&-' - env -i "${SAN[@]}" HTTPS=on \
	    REMOTE_ADDR=192.0.2.7 EST_RA_CONF="$PWD/conf" \
	    REQUEST_METHOD=POST PATH_INFO=/simpleenroll CONTENT_LENGTH=100 \
	    CONTENT_TYPE=application/pkcs10 "$@" "$ECA_BIN/est-ra"
}

# said FILTER: a filter of jq is true for the line of log.
said() {
	jq -e "$1" log >/dev/null || { cat log; return 1; }
}

# start_est NAME: lighttpd in front of est-ra, its configuration in conf/ of
# this directory; EST is its URL, EST_PORT its port, EST_LOG the log.  Its
# certificate is EST_CERT (EST_CERT_KEY), the CAs of clients are EST_CLIENTS; or
# those of the suite and cas.pem.
# shellcheck disable=SC2153	# ECA_ROOT is not EST_ROOT
start_est() {
	require lighttpd
	export EST EST_PORT EST_LOG=$PWD/$1.json
	EST_PORT=$(free_port)
	EST=https://127.0.0.1:$EST_PORT/.well-known/est
	mkdir -p run
	: >"$EST_LOG"
	cat >"$1.conf" <<-END
	var.est_bind = "127.0.0.1"
	var.est_port = $EST_PORT
	var.est_ra = "$ECA_BIN/est-ra"
	var.est_conf = "$PWD/conf"
	var.est_cert = "${EST_CERT:-$CA/a.example.chain.pem}"
	var.est_key = "${EST_CERT_KEY:-$CA/a.example.key}"
	var.est_cas = "${EST_CLIENTS:-$PWD/cas.pem}"
	var.est_run = "$PWD/run"
	var.est_log = "$EST_LOG"
	include "$ECA_ROOT/etc/lighttpd/est.conf"
	setenv.add-environment = ("ASAN_OPTIONS" => "${ASAN_OPTIONS-}",
	    "UBSAN_OPTIONS" => "${UBSAN_OPTIONS-}")
	END
	server "$1" lighttpd -D -f "$PWD/$1.conf"
	wait_port "$EST_PORT"
}

# ask PATH [curl options]: the status on stdout, the body in body.
ask() {
	curl -sS -m 60 --cacert "${EST_ANCHOR:-$CA/root.pem}" -o body -w '%{http_code}' \
	    "$EST/$1" "${@:2}"
}

# enroll PATH CSR [curl options]: the status; the certificate in got.pem.
enroll() {
	local code
	rm -f got.pem
	code=$(ask "$1" -H 'Content-Type: application/pkcs10' \
	    --data-binary "@$2" "${@:3}") || return
	[ "$code" != 200 ] || openssl base64 -d <body |
	    openssl pkcs7 -inform DER -print_certs |
	    openssl x509 -out got.pem || return
	echo "$code"
}

# start_ra: step-ca and est-ra in front of it, in $EST_DIR, which is
# $BATS_FILE_TMPDIR; dev.csr is a request for dev.key.
start_ra() {
	cd "$BATS_FILE_TMPDIR" || return
	export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0
	export EST_DIR=$PWD
	start_step_ca
	export EST_ROOT=$ROOT EST_INT=$CA_DIR/certs/intermediate_ca.crt
	export EST_URL=https://127.0.0.1:$CA_PORT EST_KEY=$CA_DIR/secrets/jwk.key
	est_conf default
	refresh_crl
	start_est est
	make_key dev.key
	csr dev.key /CN=dev.example DNS:dev.example >dev.csr
}

refresh_crl() {
	curl -sS -f -k -o ca.crl.new "https://127.0.0.1:$CA_PORT/1.0/crl" &&
	    mv ca.crl.new ca.crl
}

# How many certificates the CA has signed, by its own log.
signed() {
	grep '"path":"/1.0/sign"' step-ca.log | grep -c '"status":201' || true
}

# race: 50 requests with one token for the label race get one certificate.
race() {
	local token before
	token=$(est_token)
	before=$(signed)
	seq 50 | xargs -P 50 -I RACER curl -sS -m 60 --cacert "$CA/root.pem" \
	    -o race.RACER -w '%{http_code}\n' -u ":$token" \
	    -H 'Content-Type: application/pkcs10' --data-binary @dev.csr \
	    "$EST/race/simpleenroll" >codes
	[ "$(wc -l <codes)" -eq 50 ]
	[ "$(grep -c '^200$' codes)" -eq 1 ]
	[ "$(grep -cE '^(401|503)$' codes)" -eq 49 ]
	[ "$(($(signed) - before))" -eq 1 ]
	[ -e "tokens/${token:0:5}.spent" ]
}

# crowd N PARALLEL: so many requests of the label many, each with a token of
# its own, get so many certificates; serials has their numbers.
crowd() {
	local before i
	before=$(signed)
	for ((i = 0; i < $1; i++)); do
		est_token
	done >many.tokens
	rm -f many.[0-9]*
	# shellcheck disable=SC2016	# for the inner shell
	grep -n . many.tokens | tr ':' ' ' |
	    xargs -P "$2" -L 1 sh -c 'curl -sS -m 300 --cacert "$0/root.pem" \
	    -o many.$3 -w "%{http_code}\n" -u ":$4" --retry 3 \
	    -H "Content-Type: application/pkcs10" --data-binary @dev.csr \
	    "$1/many/simpleenroll"' "$CA" "$EST" - >codes
	[ "$(grep -cx 200 codes)" -eq "$1" ]
	for i in many.[0-9]*; do
		openssl base64 -d <"$i" |
		    openssl pkcs7 -inform DER -print_certs |
		    openssl x509 -noout -serial
	done | sort -u | sed 's/^serial=//' >serials
	[ "$(wc -l <serials)" -eq "$1" ]
	[ "$(($(signed) - before))" -eq "$1" ]
	while read -r i; do
		[ -e "tokens/${i:0:5}.spent" ]
	done <many.tokens
}

# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# What the tests of est-ra have in common.
#
#   est_conf LABEL [KEY=value ...]
#       conf/LABEL.conf: by token, names below .example, files of $EST_CA (a
#       directory of ca-init); KEY= takes a key away
#   est_token [KEY=value ...]
#       a token for one use in tokens/, printed
#   ra METHOD PATH [VARIABLE=value ...]
#       est-ra as a front end runs it, stdin is the body; sets status, and
#       head, body, log (files)
#   ra_post PATH FILE [VARIABLE=value ...]
#       the same for a body, application/pkcs10
#   csr KEY SUBJECT [SAN]
#       a request as base64 of DER, on stdout

est_conf() {
	local label=$1 word
	shift
	mkdir -p conf state tokens queue/pending queue/approved queue/denied
	[ -s cas.pem ] || cat "$EST_CA"/certs/{intermediate_ca,root_ca}.crt >cas.pem
	{
		cat <<-END
		CA_URL=${EST_CA_URL-https://127.0.0.1:9}
		CA_ROOT=$EST_CA/certs/root_ca.crt
		CACERTS=$PWD/cas.pem
		PROVISIONER=jwk
		PROVISIONER_KEY=$EST_CA/secrets/jwk.key
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
	head=head body=body log=log
	env -i HTTPS=on REMOTE_ADDR=192.0.2.7 EST_RA_CONF="$PWD/conf" \
	    REQUEST_METHOD="$method" PATH_INFO="$path" "$@" \
	    timeout 60 "$ECA_BIN/est-ra" >answer 2>$log || return
	sed '/^\r$/q' answer | tr -d '\r' >$head
	sed '1,/^\r$/d' answer >$body
	status=$(sed -n 's/^Status: \([0-9]*\) .*/\1/p' $head)
	[ "$(wc -l <$log)" -eq 1 ]
	jq -e --arg s "$status" '.status == ($s | tonumber) and
	    .service == "est-ra"' $log >/dev/null
}

ra_post() {
	local path=$1 file=$2
	shift 2
	ra POST "$path" CONTENT_TYPE=application/pkcs10 \
	    CONTENT_LENGTH="$(stat -L -c %s "$file")" "$@" <"$file"
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

# said FILTER: a filter of jq is true for the line of log.
said() {
	jq -e "$1" "$log" >/dev/null || { cat "$log"; return 1; }
}

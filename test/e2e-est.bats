# SPDX-License-Identifier: ISC
# est-ra under lighttpd with a real step-ca behind it.  The clients are curl and
# openssl.

load helper
load servers
load estra

setup_file() {
	export KILLAT=$BATS_FILE_TMPDIR/killat
	start_ra
	"${CC:-cc}" -D_GNU_SOURCE -std=c11 -O1 -o "$KILLAT" \
	    "$ECA_ROOT/test/fault/killat.c" "$ECA_ROOT/test/fault/calls.c"
}

teardown_file() {
	end_servers
}

setup() {
	cd "$EST_DIR" || return
}

teardown() {
	stop_bg
	[ ! -s step-ca.pid ] || kill -CONT "$(<step-ca.pid)"
}

# tell FILTER: a line of log for which the filter is true comes.
tell() {
	wait_for 10 told "$1" || { tail -n 5 "$EST_LOG"; return 1; }
}

told() {
	jq -e -s "any(.[]; $1)" "$EST_LOG" >told
}

@test 'e2e-est: a token makes a certificate, once' {
	local token serial
	token=$(est_token)
	[ "$(enroll simpleenroll dev.csr -u "user:$token")" = 200 ]
	cert-verify -B "$ROOT" -k dev.key -n dev.example -p client \
	    <(cat got.pem "$EST_INT")
	[ -e "tokens/${token:0:5}.spent" ]
	serial=$(openssl x509 -in got.pem -noout -serial | cut -d= -f2)
	tell ".event == \"cert.issued\" and .serial == \"$serial\" and
	    .who == \"token ${token:0:5}\" and .decision == \"issued\""
	[ "$(enroll simpleenroll dev.csr -u ":$token")" = 401 ]
	run -1 grep -q "${token:5}" "$EST_LOG" est.log
}

@test 'e2e-est: the answers are as clients want them (S14, S15)' {
	[ "$(ask cacerts --http1.1 -D headers)" = 200 ]
	grep -qi '^content-transfer-encoding: base64' headers
	grep -qi "^content-length: $(stat -c %s body)" headers
	run -1 grep -qi '^transfer-encoding' headers
	openssl base64 -d <body | openssl pkcs7 -inform DER -print_certs |
	    grep -c '^subject' | grep -qx 2
	[ "$(ask csrattrs)" = 204 ]
	[ "$(ask simpleenroll)" = 405 ]
	[ "$(ask serverkeygen -d x)" = 501 ]
	[ "$(ask nothing)" = 404 ]
	[ "$(ask %2e%2e/cacerts)" = 404 ]
	[ "$(ask ../../etc/passwd --path-as-is)" = 404 ]
	[ "$(enroll simpleenroll dev.csr -D headers)" = 401 ]
	grep -qi '^www-authenticate: basic' headers
	head -c 300000 /dev/zero >large
	[ "$(ask simpleenroll --data-binary @large --http1.1)" = 413 ]
}

@test 'e2e-est: est.conf serves no file, and one request at a time' {
	local name
	echo secret >run/lighttpd-upload-a1b2c3
	for name in lighttpd-upload-a1b2c3 .well-known/lighttpd-upload-a1b2c3 ''; do
		[[ $(curl -sS --cacert "$CA/root.pem" -o body -w '%{http_code}' \
		    "https://127.0.0.1:$EST_PORT/$name") == 40[34] ]]
		run -1 grep -q secret body
	done
	rm run/lighttpd-upload-a1b2c3
	[ "$(ask cacerts --http2 -w ' %{http_version}')" = ' 1.1' ]
}

# raw TEXT: the status of what lighttpd answers to these bytes.
raw() {
	# shellcheck disable=SC2059	# a format it is
	printf "$1" | timeout 20 openssl s_client -quiet -connect \
	    "127.0.0.1:$EST_PORT" 2>s_client.log | tr -d '\r' >raw.out
	sed -n '1s/^HTTP\/1.1 \([0-9]*\) .*/\1/p' raw.out
}

@test 'e2e-est: what no client of ours would send' {
	local host='Host: x\r\nConnection: close\r\n' token basic post len
	token=$(est_token)
	basic="Authorization: Basic $(printf ':%s' "$token" |
	    openssl base64 -A)\r\n"
	post="POST /.well-known/est/simpleenroll HTTP/1.1\r\n$host"
	post+='Content-Type: application/pkcs10\r\n'
	len=$(stat -c %s dev.csr)
	# Two lengths, a length and chunks.
	[ "$(raw "${post}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd")" = \
	    400 ]
	[ "$(raw "$post${basic}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")" = \
	    400 ]
	# Two credentials are none; what is TLS's to say is no header field.
	[ "$(raw "$post${basic}Authorization: Basic eDp5\r\nContent-Length: $len\r\n\r\n$(<dev.csr)\n")" = \
	    401 ]
	post=${post/simpleenroll/simplereenroll}
	[ "$(raw "${post}SSL_CLIENT_VERIFY: SUCCESS\r\nSSL-Client-Cert: x\r\nContent-Length: $len\r\n\r\n$(<dev.csr)\n")" = \
	    403 ]
	tell '.reason == "no_cert" and .operation == "simplereenroll"'
	[ "$(raw "GET /.well-known/est/cacerts%%00x HTTP/1.1\r\n$host\r\n")" = 400 ]
	[ "$(raw "GET /.well-known/est/cacerts%%2f HTTP/1.1\r\n$host\r\n")" = 404 ]
	[ "$(raw "GET /.well-known/est/cacerts?-t+/etc HTTP/1.1\r\n$host\r\n")" = \
	    200 ]
	[ "$(raw "HEAD /.well-known/est/cacerts HTTP/1.1\r\n$host\r\n")" = 200 ]
	[ "$(sed '1,/^$/d' raw.out)" = '' ]
	# The token was spent by none of these; chunks are as good as a length.
	[ "$(enroll simpleenroll dev.csr -u ":$token" \
	    -H 'Transfer-Encoding: chunked')" = 200 ]
	run -1 grep -q "${token:5}" "$EST_LOG" est.log
}

@test 'e2e-est: a common name alone becomes a name, and has to be allowed' {
	est_conf cn 'SUBJECT=CN O'
	csr dev.key /CN=www.bank.test >cn.csr
	[ "$(enroll cn/simpleenroll cn.csr -u ":$(est_token)")" = 403 ]
	tell '.reason == "name_not_allowed" and .label == "cn"'
	csr dev.key /CN=dev.example >cn.csr
	[ "$(enroll cn/simpleenroll cn.csr -u ":$(est_token)")" = 200 ]
	openssl x509 -in got.pem -noout -ext subjectAltName >san
	grep -q 'DNS:dev.example' san
}

@test 'e2e-est: who has a certificate renews it (S19, S21, S22)' {
	local old new
	[ "$(enroll simpleenroll dev.csr -u ":$(est_token)")" = 200 ]
	mv got.pem dev.pem
	old=$(openssl x509 -in dev.pem -noout -serial)
	make_key next.key
	csr next.key /CN=dev.example DNS:dev.example >next.csr
	[ "$(enroll simplereenroll next.csr --cert dev.pem --key dev.key)" = 200 ]
	new=$(openssl x509 -in got.pem -noout -serial)
	[ "$old" != "$new" ]
	cert-verify -B "$ROOT" -k next.key -n dev.example <(cat got.pem "$EST_INT")
	tell ".event == \"cert.renewed\" and .serial == \"${new#*=}\" and
	    (.who | startswith(\"certificate ${old#*=} \"))"
	[ "$(enroll simplereenroll next.csr)" = 403 ]
	csr next.key /CN=other.example DNS:other.example >other.csr
	[ "$(enroll simplereenroll other.csr --cert dev.pem --key dev.key)" = 403 ]
}

@test 'e2e-est: a revoked certificate renews nothing (S23)' {
	local serial
	[ "$(enroll simpleenroll dev.csr -u ":$(est_token)")" = 200 ]
	mv got.pem dev.pem
	serial=$(openssl x509 -in dev.pem -noout -serial | cut -d= -f2)
	rm -f ott
	(umask 077 &&
	    step-ott -r -u "$EST_URL" -k "$EST_KEY" -P jwk dev.pem >ott)
	step-revoke -u "$EST_URL" -A "$ROOT" -U ott dev.pem
	wait_for 10 in_crl "$serial"
	[ "$(enroll simplereenroll dev.csr --cert dev.pem --key dev.key)" = 403 ]
	tell ".reason == \"revoked\" and .event == \"auth.refused\""
}

in_crl() {
	refresh_crl && openssl crl -in ca.crl -inform DER -noout -text |
	    grep -qi "Serial Number: $1"
}

@test 'e2e-est: a CRL that cannot be read closes the door until it is back' {
	[ "$(enroll simpleenroll dev.csr -u ":$(est_token)")" = 200 ]
	mv got.pem dev.pem
	mv ca.crl ca.crl.good
	[ "$(enroll simplereenroll dev.csr --cert dev.pem --key dev.key)" = 503 ]
	tell '.reason == "crl" and (.detail | test("ca.crl: missing"))'
	mkdir ca.crl
	[ "$(enroll simplereenroll dev.csr --cert dev.pem --key dev.key)" = 503 ]
	rmdir ca.crl
	head -c 100 ca.crl.good >ca.crl
	[ "$(enroll simplereenroll dev.csr --cert dev.pem --key dev.key)" = 503 ]
	mv ca.crl.good ca.crl
	[ "$(enroll simplereenroll dev.csr --cert dev.pem --key dev.key)" = 200 ]
}

# A certificate of the real CA that has expired.
expired_cert() {
	: >exp.index
	printf '%s\n' '[ca]' 'default_ca=c' '[c]' 'database=exp.index' \
	    'rand_serial=yes' 'default_md=sha256' 'policy=p' \
	    'x509_extensions=x' '[p]' 'commonName=supplied' '[x]' \
	    'basicConstraints=critical,CA:FALSE' 'extendedKeyUsage=clientAuth' \
	    'subjectAltName=DNS:dev.example' >exp.cnf
	openssl req -new -key dev.key -subj /CN=dev.example -out exp.csr
	openssl ca -config exp.cnf -batch -notext -outdir . -cert "$EST_INT" \
	    -keyfile "$CA_DIR/secrets/intermediate_ca_key" \
	    -passin "file:$CA_DIR/secrets/password" -in exp.csr -out exp.pem \
	    -startdate 20200101000000Z -enddate 20200102000000Z 2>exp.err
}

@test 'e2e-est: an expired certificate gets cacerts and nothing else (S23)' {
	expired_cert
	[ "$(ask cacerts --cert exp.pem --key dev.key)" = 200 ]
	[ "$(enroll simplereenroll dev.csr --cert exp.pem --key dev.key)" = 403 ]
	tell '.reason == "bad_certificate" and (.detail | test("FAILED:"))'
}

@test 'e2e-est: TLS 1.2 and 1.3 only, and no session is resumed (S3)' {
	local v
	[ "$(ask cacerts --tls-max 1.1 2>err)" = 000 ] || [ -s err ]
	[ "$(curl -sS -o body -w '%{http_code}' "http${EST#https}/cacerts")" != 200 ]
	for v in 2 3; do
		rm -f session
		printf 'GET /.well-known/est/cacerts HTTP/1.0\r\n\r\n' |
		    openssl s_client -connect "127.0.0.1:$EST_PORT" -ign_eof \
		    "-tls1_$v" -sess_out session >first 2>&1
		grep -q '^New, TLSv1.'$v first
		[ ! -s session ] || {
			openssl s_client -connect "127.0.0.1:$EST_PORT" \
			    "-tls1_$v" -sess_in session </dev/null >second 2>&1
			grep -q '^New, TLSv1.'$v second
		}
	done
}

@test 'e2e-est: 50 requests race with one token: one certificate' {
	est_conf race MAX_AT_ONCE=256
	race
}

@test 'e2e-est: 100 tokens at once are 100 certificates' {
	est_conf many MAX_AT_ONCE=256
	crowd 100 50
}

@test 'e2e-est: step-ca killed before it signs: the token is good again' {
	local token
	token=$(est_token)
	end_server step-ca
	[ "$(enroll simpleenroll dev.csr -u ":$token" -D headers)" = 503 ]
	grep -qi '^retry-after: 30' headers
	[ -e "tokens/${token:0:5}" ]
	run_step_ca
	[ "$(enroll simpleenroll dev.csr -u ":$token")" = 200 ]
	[ ! -e "tokens/${token:0:5}" ]
}

@test 'e2e-est: step-ca killed while it signs: the token is good again' {
	local token
	token=$(est_token)
	kill -STOP "$(<step-ca.pid)"
	enroll simpleenroll dev.csr -u ":$token" >code &
	wait_for 10 asking
	kill -KILL "$(<step-ca.pid)"
	wait $!
	[ "$(<code)" = 503 ]
	[ -e "tokens/${token:0:5}" ]
	end_server step-ca
	run_step_ca
	[ "$(enroll simpleenroll dev.csr -u ":$token")" = 200 ]
}

# Is a step-sign of ours waiting for the CA?
asking() {
	pgrep -f "step-sign -u $EST_URL" >asking.pid
}

@test 'e2e-est: step-ca that hangs: MAX_SECONDS, and the token is good again' {
	local token
	est_conf slow MAX_SECONDS=1
	token=$(est_token)
	kill -STOP "$(<step-ca.pid)"
	[ "$(enroll slow/simpleenroll dev.csr -u ":$token")" = 503 ]
	kill -CONT "$(<step-ca.pid)"
	[ -e "tokens/${token:0:5}" ]
}

@test 'e2e-est: step-ca killed after it signed: the token is spent' {
	local token
	token=$(est_token)
	[ "$(enroll simpleenroll dev.csr -u ":$token")" = 200 ]
	kill -KILL "$(<step-ca.pid)"
	end_server step-ca
	[ "$(enroll simpleenroll dev.csr -u ":$token")" = 401 ]
	run_step_ca
}

# The disk is full, a call fails, or the plug is pulled, at each change est-ra
# makes.  With a certificate the token is of no use any more; without one it is,
# unless est-ra was killed between the two.
@test 'e2e-est: a full disk or a kill at any instant: no token lost, no second use' {
	local token how n len
	len=$(stat -c %s dev.csr)
	est_conf plug "STATE_DIR=$PWD/plug"
	mkdir plug
	for how in '-s -e ENOSPC' '-e EIO' ''; do
		for n in 1 2 3 4 5 6 7 8 9; do
			token=$(est_token)
			rm -f plug/*
			# shellcheck disable=SC2086	# options
			env -i "${SAN[@]}" HTTPS=on REMOTE_ADDR=192.0.2.7 \
			    EST_RA_CONF="$PWD/conf" REQUEST_METHOD=POST \
			    PATH_INFO=/plug/simpleenroll "$(basic "$token")" \
			    CONTENT_TYPE=application/pkcs10 \
			    CONTENT_LENGTH="$len" timeout 60 "$KILLAT" $how \
			    "$n" "$ECA_BIN/est-ra" <dev.csr 2>/dev/null |
			    cat >answer
			echo "$how $n: $(head -n 1 answer)"
			if grep -q '^Status: 200' answer; then
				[ ! -e "tokens/${token:0:5}" ]
			elif [ -e "tokens/${token:0:5}" ]; then
				[ "$(enroll plug/simpleenroll dev.csr \
				    -u ":$token")" = 200 ]
			else
				[ -z "$how" ]
				[ -e "tokens/${token:0:5}.spent" ]
			fi
		done
		# It went through the whole of it.
		[ -n "$how" ] || grep -q '^Status: 200' answer
	done
}

@test 'e2e-est: an X5C provisioner and a lifetime' {
	local from to
	est_conf x5c PROVISIONER=x5c PROVISIONER_TYPE=X5C \
	    "PROVISIONER_KEY=$CA_DIR/secrets/x5c.key" \
	    "PROVISIONER_CERT=$CA_DIR/certs/x5c.crt" LIFETIME_SECONDS=3600
	[ "$(enroll x5c/simpleenroll dev.csr -u ":$(est_token)")" = 200 ]
	cert-expiry -s 0 got.pem >life
	from=$(date -d "$(openssl x509 -in got.pem -noout -startdate |
	    cut -d= -f2)" +%s)
	to=$(date -d "$(openssl x509 -in got.pem -noout -enddate |
	    cut -d= -f2)" +%s)
	[ $((to - from)) -ge 3600 ] && [ $((to - from)) -le 3800 ]
}

@test 'e2e-est: what the CA does not sign is told without its words (S17)' {
	est_conf wrong PROVISIONER=nobody
	[ "$(enroll wrong/simpleenroll dev.csr -u ":$(est_token)")" = 502 ]
	grep -qx 'the certificate authority does not sign this' body
	tell '.reason == "ca_refused" and (.detail | test("step-sign: .*401"))'
}

@test 'e2e-est: est-token and est-queue, with somebody who approves' {
	local token key
	est_conf wait APPROVAL=enroll "QUEUE_DIR=$PWD/queue"
	token=$(est-token -d tokens add -l wait dev.example)
	[ "$(enroll wait/simpleenroll dev.csr -u ":$token" -D headers)" = 202 ]
	grep -qi '^retry-after: 300' headers
	key=$(est-queue -d queue list | jq -r .key)
	est-queue -d queue approve "$key"
	[ "$(enroll wait/simpleenroll dev.csr -u ":$token")" = 200 ]
	[ "$(enroll wait/simpleenroll dev.csr -u ":$token")" = 401 ]
	[ "$(enroll simpleenroll dev.csr -u ":$token")" = 401 ]
}

@test 'e2e-est: est-enroll enrolls and renews' {
	require est-enroll
	openssl req -new -key dev.key -subj /CN=dev.example \
	    -addext subjectAltName=DNS:dev.example -out dev.req
	(umask 077 && est_token >token)
	est-enroll -u "${EST%/.well-known/est}" -A "$CA/root.pem" \
	    -B cas.pem -U token <dev.req >dev.pem
	openssl req -new -key dev.key -subj /CN=dev.example \
	    -addext subjectAltName=DNS:dev.example -out next.req
	est-enroll -r -u "${EST%/.well-known/est}" -A "$CA/root.pem" \
	    -B cas.pem -c dev.pem -k dev.key <next.req >next.pem
	cert-verify -B "$ROOT" -k dev.key -n dev.example next.pem
	run -2 est-enroll -u "${EST%/.well-known/est}" -A "$CA/root.pem" \
	    -B cas.pem -U token dev.req
}

@test 'e2e-est: the client of globalsign enrolls and renews' {
	local token
	require estclient
	openssl req -new -key dev.key -subj /CN=dev.example \
	    -addext subjectAltName=DNS:dev.example -out dev.req
	set -- -server "127.0.0.1:$EST_PORT" -explicit "$CA/root.pem"
	estclient cacerts "$@" -out got.cas
	[ "$(grep -c BEGIN got.cas)" -eq 2 ]
	token=$(est_token)
	estclient enroll "$@" -csr dev.req -user u -pass "$token" -out one.pem
	cert-verify -B "$ROOT" -k dev.key -n dev.example \
	    <(cat one.pem "$EST_INT")
	run -1 estclient enroll "$@" -csr dev.req -user u -pass "$token"
	[[ $output == *"a token is needed"* ]]
	estclient reenroll "$@" -csr dev.req -certs one.pem -key dev.key \
	    -out two.pem
	cert-verify -B "$ROOT" -k dev.key -n dev.example \
	    <(cat two.pem "$EST_INT")
	[ "$(openssl x509 -in one.pem -noout -serial)" != \
	    "$(openssl x509 -in two.pem -noout -serial)" ]
}

# SPDX-License-Identifier: ISC
# est-ra by hand, in the environment a front end makes.  No CA answers here: a
# request that was found good ends with 503 ca_unreachable.  The S in a title
# is a line of the checklist for servers made from RFC 7030 and RFC 8951.

load helper
load estra

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

# answered STATUS [REASON]
answered() {
	[ "$status" = "$1" ] || { cat answer log; return 1; }
	[ $# -lt 2 ] || said ".reason == \"$2\""
}

@test 'est-ra: keeps the contract' {
	contract est-ra
}

@test 'est-ra by hand says what it is' {
	run -2 --separate-stderr est-ra
	[ -z "$output" ]
	[ "$stderr" = 'usage: est-ra [-V] -t dir (else it is a CGI program, for a web server to start)' ]
}

@test 'est-ra takes nothing from its arguments when there is a request' {
	env -i "${SAN[@]}" REQUEST_METHOD=GET "$ECA_BIN/est-ra" -V >out 2>log
	head -n 1 out | grep -q '^Status: 403'
}

@test 'est-ra -t: a good configuration passes in silence' {
	make_crl ca.crl
	est_conf other ENROLL=no REENROLL=no CRL=
	run -0 est-ra -t conf
	[ -z "$output" ]
}

@test 'est-ra -t names file and line, and what would be right' {
	local word
	while IFS='|' read -r word want; do
		est_conf default "$word"
		run -2 --separate-stderr est-ra -t conf
		[[ $stderr == "est-ra: conf/default.conf: "*"$want"* &&
		    ($want == *missing* || $want == *multiple* ||
		    $stderr == *": line 1"[12]": "*) ]] ||
		    { echo "$word: $stderr"; return 1; }
	done <<-'END'
	COLOUR=red|COLOUR: no such key
	ENROLL=everybody|ENROLL: one of these is needed: no token cert
	MAX_SECONDS=0|MAX_SECONDS: a number from 1 to 300 is needed
	MAX_SECONDS=ten|MAX_SECONDS: a number from 1 to 300
	STATE_DIR=state|STATE_DIR: an absolute path is needed
	CA_URL=http://ca|CA_URL: an https URL is needed
	BODY_WIDTH=63|BODY_WIDTH: a multiple of 4
	ENROLL=cert|CLIENT_CAS: missing, ENROLL is by certificate
	PROVISIONER_TYPE=X5C|PROVISIONER_CERT: missing
	APPROVAL=all|QUEUE_DIR: missing
	CACERTS=|CACERTS: missing; an absolute path is needed
	CRL=|CRL: missing; name one, or REENROLL=no
	KEYS=P-255|KEYS:
	DNS_NAMES=a_b|DNS_NAMES:
	END
	est_conf default
	echo ENROLL=token >>conf/default.conf
	run -2 --separate-stderr est-ra -t conf
	[[ $stderr == *'line 12: ENROLL: a second time'* ]]
}

@test 'est-ra -t looks at the files that are named' {
	local key
	make_crl ca.crl
	for key in CACERTS CA_ROOT PROVISIONER_KEY STATE_DIR TOKEN_DIR CSRATTRS \
	    ADDRESSES CLIENT_CAS PROVISIONER_CERT QUEUE_DIR CRL CLIENT_CRL; do
		est_conf default "$key=$PWD/missing"
		run -2 --separate-stderr est-ra -t conf
		[[ $stderr == "est-ra: $PWD/missing: "[Nm]*"
est-ra: conf/default.conf: $key: not in order, see above" ]] ||
		    { echo "$key: $stderr"; return 1; }
	done
	# Without a list nobody renews, unless that is wanted.
	est_conf default "CRL=$PWD/missing" CRL_REQUIRED=no
	run -0 est-ra -t conf
	echo none >broken.crl
	est_conf default "CRL=$PWD/broken.crl"
	run -2 est-ra -t conf
	est_conf default CA_URL=https://:4210
	run -2 --separate-stderr est-ra -t conf
	[[ $stderr == *'not an https URL of a step-ca'*'default.conf: CA_URL: '* ]]
	cp "$EST_KEY" wide.key
	chmod 644 wide.key
	est_conf default "PROVISIONER_KEY=$PWD/wide.key"
	run -2 est-ra -t conf
}

@test 'est-ra -t: a configuration others can write is refused' {
	chmod 666 conf/default.conf
	run -2 --separate-stderr est-ra -t conf
	[[ $stderr == *'others can write it: chmod go-w' ]]
}

@test 'est-ra: directories that everybody can write are no stores' {
	local dir auth
	make_crl ca.crl
	for dir in state tokens queue; do
		chmod 1777 "$dir"
		est_conf default "QUEUE_DIR=$PWD/queue"
		run -2 --separate-stderr est-ra -t conf
		[[ $stderr == *"$PWD/$dir: everybody can write there: chmod o-w"* ]]
		chmod 755 "$dir"
	done
	auth=$(basic "$(est_token)")
	chmod 777 tokens
	ra_post /simpleenroll dev1.csr "$auth"
	answered 500 token_store
	chmod 755 tokens
	chmod 777 queue/approved
	est_conf default "QUEUE_DIR=$PWD/queue" APPROVAL=all
	ra_post /simpleenroll dev1.csr "$auth"
	answered 500 queue
}

@test 'est-ra -t: no label is called like an operation (S1)' {
	local label
	make_crl ca.crl
	for label in cacerts simpleenroll default.x '.hidden' 'a b'; do
		cp conf/default.conf "conf/$label.conf"
		case $label in
		default.x) run -0 est-ra -t conf ;;
		*) run -2 est-ra -t conf ;;
		esac
		rm "conf/$label.conf"
	done
	mkdir empty
	run -2 est-ra -t empty
}

@test 'est-ra: a broken configuration is a 500 that tells the client nothing' {
	est_conf default COLOUR=red
	ra GET /cacerts
	answered 500 configuration
	said '.detail | test("conf/default.conf: line 12: COLOUR")'
	run -1 grep -q COLOUR answer
}

@test 'est-ra serves with and without a label (S1)' {
	local path long
	est_conf shop.1 BODY_WIDTH=0
	long=$(printf 'a%.0s' {1..256})
	ra GET /cacerts
	answered 200
	ra GET /shop.1/cacerts
	answered 200
	[ "$(wc -l <body)" -eq 1 ]
	said '.label == "shop.1"'
	for path in '' / // /x /cacerts/ //cacerts /cacerts/cacerts \
	    /cacerts/simpleenroll /simpleenroll/cacerts /none/cacerts \
	    /../cacerts /./cacerts /%2e%2e/cacerts /shop.1/x/cacerts \
	    /default/cacerts "/$long/cacerts" /shop.1/CACERTS /a%20b/cacerts; do
		ra GET "$path"
		answered 404 not_found || { echo "$path"; return 1; }
	done
}

@test 'est-ra offers neither serverkeygen nor fullcmc (S2, S34)' {
	local op
	for op in serverkeygen fullcmc; do
		ra POST "/$op"
		answered 501 not_offered
		grep -q "$op is not offered here" body
	done
}

@test 'est-ra refuses plain HTTP (S3)' {
	ra GET /cacerts HTTPS=
	answered 403 no_tls
	ra GET /cacerts HTTPS=off HTTP_HTTPS=on HTTP_X_FORWARDED_PROTO=https
	answered 403 no_tls
}

@test 'est-ra: cacerts and csrattrs ask nobody who they are (S5)' {
	ra GET /cacerts
	answered 200
	ra GET /csrattrs
	answered 204
}

@test 'est-ra asks for a token with 401, refuses with 403 (S6)' {
	ra_post /simpleenroll dev1.csr
	answered 401 no_token
	grep -qx 'WWW-Authenticate: Basic realm="est", charset="UTF-8"' headers
	ra_post /simplereenroll dev1.csr
	answered 403 no_cert
	run -1 grep -qi www-authenticate headers
	est_conf default ENROLL=no
	ra_post /simpleenroll dev1.csr
	answered 403 closed
}

@test 'est-ra takes a token as the password, whatever the user (S8)' {
	local token
	token=$(est_token)
	ra_post /simpleenroll dev1.csr "$(basic "$token")"
	answered 503 ca_unreachable
	said ".who == \"token ${token:0:5}\""
	ra_post /simpleenroll dev1.csr "HTTP_AUTHORIZATION=basic  $(printf %s \
	    "somebody:$token" | openssl base64 -A)"
	answered 503 ca_unreachable
}

@test 'est-ra refuses what is no good token' {
	local token other
	token=$(est_token)
	other=${token:0:5}$(tr 0-9a-h 1-9a-j <<<"${token:5}")
	ra_post /simpleenroll dev1.csr "$(basic "$other")"
	answered 401 bad_token
	for other in Basic 'Basic ' 'Basic !!!!' 'Basic YWJj' 'Basic Og==' \
	    'Basic Og=' "Bearer $token" "Digest username=\"x\"" \
	    'Basic AAAA' 'Basic OgA='; do
		ra_post /simpleenroll dev1.csr "HTTP_AUTHORIZATION=$other"
		answered 401
	done
	ra_post /simpleenroll dev1.csr "HTTP_AUTHORIZATION=Basic $(head -c 9000 \
	    /dev/zero | tr '\0' A)"
	answered 400 odd_header
}

@test 'est-ra keeps a token to its label, its name and its time' {
	local token
	est_conf a
	est_conf b
	token=$(est_token LABEL=a)
	ra_post /a/simpleenroll dev1.csr "$(basic "$token")"
	answered 503 ca_unreachable
	ra_post /b/simpleenroll dev1.csr "$(basic "$token")"
	answered 401 bad_token
	ra_post /simpleenroll dev1.csr "$(basic "$token")"
	answered 401 bad_token
	token=$(est_token LABEL=default)
	ra_post /simpleenroll dev1.csr "$(basic "$token")"
	answered 503 ca_unreachable
	ra_post /a/simpleenroll dev1.csr "$(basic "$token")"
	answered 401 bad_token
	token=$(est_token NAME=dev1.example)
	ra_post /simpleenroll dev1.csr "$(basic "$token")"
	answered 503 ca_unreachable
	csr "$EST_DIR/new.key" /CN=dev2.example DNS:dev2.example >dev2.csr
	ra_post /simpleenroll dev2.csr "$(basic "$token")"
	answered 403 token_name
	csr "$EST_DIR/new.key" /CN=dev1.example DNS:dev1.example,DNS:dev2.example \
	    >dev2.csr
	ra_post /simpleenroll dev2.csr "$(basic "$token")"
	answered 403 token_name
	token=$(est_token EXPIRES=2020-01-01T00:00:00Z)
	ra_post /simpleenroll dev1.csr "$(basic "$token")"
	answered 401 bad_token
}

@test 'est-ra takes the credential out of the environment first of all' {
	local token pid
	token=$(est_token)
	waiting_ra HTTP_PROXY=http://192.0.2.1 "$(basic "$token")"
	wait_for 10 flocked "tokens/${token:0:5}"
	for pid in "$bg" $(pgrep -P "$bg"); do
		tr '\0' '\n' <"/proc/$pid/environ" >environ
		run -1 grep -e "$(basic "$token" | cut -d' ' -f2)" environ
	done
	grep -q REQUEST_METHOD environ
	exec 7>&-
}

# Somebody has it locked.  To try would be to take it for a moment.
flocked() {
	grep -q "FLOCK.*:$(stat -c %i "$1") 0 EOF" /proc/locks
}

@test 'est-ra: the token is in no log and no answer' {
	local token file
	token=$(est_token)
	for file in dev1.csr /dev/null; do
		ra_post /simpleenroll "$file" "$(basic "$token")"
		run -1 grep -e "${token:5:12}" -e "$(basic "$token" |
		    cut -d' ' -f2 | cut -c 1-20)" answer log
	done
}

@test 'est-ra: methods and media types (S10)' {
	ra POST /cacerts
	answered 405 method
	grep -qx 'Allow: GET, HEAD' headers
	ra GET /simpleenroll
	answered 405 method
	grep -qx 'Allow: POST' headers
	ra HEAD /cacerts
	answered 200
	local type
	for type in '' text/plain application/pkcs10x 'application/pkcs10 x' \
	    application/pkcs; do
		ra POST /simpleenroll CONTENT_TYPE="$type" CONTENT_LENGTH=4
		answered 415 media_type
	done
	for type in Application/PKCS10 'application/pkcs10; charset=utf-8' \
	    'application/pkcs10 ;x'; do
		ra POST /simpleenroll CONTENT_TYPE="$type" CONTENT_LENGTH=4
		answered 401
	done
}

@test 'est-ra: bodies that are empty, too large, too short (S11)' {
	local auth
	est_conf default MAX_BODY_BYTES=1024
	auth=$(basic "$(est_token)")
	: >nothing
	ra_post /simpleenroll nothing "$auth"
	answered 400 body
	head -c 1025 /dev/zero >large
	ra_post /simpleenroll large "$auth"
	answered 413 body
	ra POST /simpleenroll CONTENT_TYPE=application/pkcs10 "$auth" \
	    CONTENT_LENGTH=1000 <dev1.csr
	answered 400 body
	ra POST /simpleenroll CONTENT_TYPE=application/pkcs10 "$auth" <dev1.csr
	answered 411 body
	local n
	for n in -1 x 1e3 99999999999999999999; do
		ra POST /simpleenroll CONTENT_TYPE=application/pkcs10 \
		    CONTENT_LENGTH=$n "$auth" <dev1.csr
		answered 400 body
	done
}

@test 'est-ra does not wait for a body for ever' {
	est_conf default MAX_SECONDS=1
	mkfifo pipe
	exec 7<>pipe
	ra POST /simpleenroll CONTENT_TYPE=application/pkcs10 \
	    CONTENT_LENGTH=100 "$(basic "$(est_token)")" <pipe
	exec 7>&-
	answered 408 body
}

@test 'est-ra: base64 with white space, nothing else in it (S12)' {
	local auth
	auth=$(basic "$(est_token)")
	fold -w 64 dev1.csr | sed 's/$/\r/' >wrapped
	ra_post /simpleenroll wrapped "$auth"
	answered 503 ca_unreachable
	fold -w 7 dev1.csr | tr '\n' '\t' >wrapped
	ra_post /simpleenroll wrapped "$auth"
	answered 503 ca_unreachable
	{
		echo -----BEGIN CERTIFICATE REQUEST-----
		fold -w 64 dev1.csr
		echo -----END CERTIFICATE REQUEST-----
	} >pem
	ra_post /simpleenroll pem "$auth"
	answered 400 base64
	grep -q PEM body
	openssl base64 -d -A <dev1.csr >der
	ra_post /simpleenroll der "$auth"
	answered 400 base64
	tr '+/' '-_' <dev1.csr | sed 's/^/_/' >url
	ra_post /simpleenroll url "$auth"
	answered 400 base64
}

@test 'est-ra: a request, whole, signed by its key, strong (S13)' {
	local auth
	auth=$(basic "$(est_token)")
	openssl base64 -d -A <dev1.csr >der
	{ cat der; echo; } | openssl base64 -A >long
	ra_post /simpleenroll long "$auth"
	answered 400 csr
	head -c 100 der | openssl base64 -A >short.csr
	ra_post /simpleenroll short.csr "$auth"
	answered 400 csr
	echo AAAA >zero
	ra_post /simpleenroll zero "$auth"
	answered 400 csr
	head -c -3 der >forged
	printf 'abc' >>forged
	openssl base64 -A <forged >forged.csr
	ra_post /simpleenroll forged.csr "$auth"
	answered 400
	make_key weak.key rsa1024
	csr weak.key /CN=dev1.example >weak.csr
	ra_post /simpleenroll weak.csr "$auth"
	answered 403
	est_conf default 'KEYS=P-384'
	ra_post /simpleenroll dev1.csr "$auth"
	answered 403
	said '.event == "provision.request.denied" and .spki_sha256 != null'
}

@test 'est-ra: names that the policy does not have' {
	local auth
	auth=$(basic "$(est_token)")
	csr "$EST_DIR/new.key" /CN=dev1.other DNS:dev1.other >other.csr
	ra_post /simpleenroll other.csr "$auth"
	answered 403
	grep -q dev1.other body
	csr "$EST_DIR/new.key" /CN=dev1.example/O=Acme DNS:dev1.example >org.csr
	ra_post /simpleenroll org.csr "$auth"
	answered 403
	est_conf default SUBJECT=O=Ac*
	ra_post /simpleenroll org.csr "$auth"
	answered 503 ca_unreachable
}

@test 'est-ra: cacerts are the certificates, without a signature (S14, S16)' {
	local file
	: >empty.pem
	printf -- '-----BEGIN CERTIFICATE-----\nMAA=\n%s\n' \
	    '-----END CERTIFICATE-----' >broken.pem
	ra GET /cacerts
	grep -qx 'Content-Type: application/pkcs7-mime; smime-type=certs-only' headers
	grep -qx 'Content-Transfer-Encoding: base64' headers
	grep -qx "Content-Length: $(stat -c %s body)" headers
	openssl base64 -d <body | openssl pkcs7 -inform DER -print_certs \
	    -outform PEM -out got.pem
	openssl storeutl -noout -text -certs cas.pem | grep -c Subject: >want
	grep -c '^subject' got.pem | diff - want
	openssl crl2pkcs7 -nocrl -certfile cas.pem -outform DER | cmp - <(
	    openssl base64 -d <body)
	for file in none.pem broken.pem empty.pem; do
		est_conf default "CACERTS=$PWD/$file"
		ra GET /cacerts
		answered 500 cacerts
	done
}

@test 'est-ra wraps a long body as the label says, a short one never' {
	cat "$EST_INT" >cas.pem
	ra GET /cacerts
	[ "$(wc -l <body)" -eq 1 ]
	[ "$(stat -c %s body)" -lt 1000 ]
	cat "$EST_INT" "$EST_INT" "$EST_ROOT" >cas.pem
	ra GET /cacerts
	[ "$(head -n 1 body | tr -d '\n' | wc -c)" -eq 76 ]
	est_conf default BODY_WIDTH=64
	ra GET /cacerts
	[ "$(head -n 1 body | tr -d '\n' | wc -c)" -eq 64 ]
	est_conf default BODY_WIDTH=0
	ra GET /cacerts
	[ "$(wc -l <body)" -eq 1 ]
}

@test 'est-ra: csrattrs as they are in the file, or 204 (S30)' {
	ra GET /csrattrs
	answered 204
	[ ! -s body ]
	run -1 grep -qi content- headers
	echo MDIGCSqGSIb3DQEJBzASBgcqhkjOPQIBMQcGBSuBBAAiBgcrBgEBAQEWBggqhkjOPQQDAw== \
	    >attrs
	est_conf default "CSRATTRS=$PWD/attrs"
	ra GET /csrattrs
	answered 200
	grep -qx 'Content-Type: application/csrattrs' headers
	diff attrs body
	echo '-' >attrs
	ra GET /csrattrs
	answered 500 csrattrs
}

# renewal CSR [VARIABLE=value ...]: with the CLIENT of cert_env.
renewal() {
	ra_post /simplereenroll "$1" "${CLIENT[@]}" "${@:2}"
}

@test 'est-ra re-enrolls who shows a good certificate (S22)' {
	make_crl ca.crl
	cert_env "$EST_DIR/dev1.example.pem"
	renewal dev1.csr
	answered 503 ca_unreachable
	said '.who | test("^certificate [0-9A-F]+ CN=dev1.example$")'
	est_conf default REENROLL=no
	renewal dev1.csr
	answered 403 closed
}

@test 'est-ra believes SUCCESS of the front end, and nothing near it (S23)' {
	local verify
	make_crl ca.crl
	for verify in NONE 'FAILED:certificate has expired' SUCCESSFUL success \
	    ' SUCCESS' ''; do
		cert_env "$EST_DIR/dev1.example.pem" "$verify"
		renewal dev1.csr
		answered 403
	done
	ra_post /simplereenroll dev1.csr SSL_CLIENT_VERIFY=SUCCESS
	answered 403 no_cert
	ra_post /simplereenroll dev1.csr SSL_CLIENT_VERIFY=SUCCESS \
	    SSL_CLIENT_CERT=junk
	answered 403 bad_certificate
	ra_post /simplereenroll dev1.csr HTTP_SSL_CLIENT_VERIFY=SUCCESS \
	    HTTP_SSL_CLIENT_CERT="$(<"$EST_DIR/dev1.example.pem")"
	answered 403 no_cert
}

# has CERT-WORDS... -- REASON: such a certificate is refused for that.
shows() {
	make_cert "$EST_DIR" shown san=DNS:dev1.example \
	    subject=/CN=dev1.example "${@:2}"
	cert_env "$EST_DIR/shown.pem"
	renewal dev1.csr
	answered 403 "$1"
}

@test 'est-ra looks at the certificate by itself: dates, CA, purpose (S23)' {
	make_crl ca.crl
	shows expired from='2 days ago' to='1 day ago'
	shows not_yet_valid from='1 day'
	shows unknown_ca issuer=self
	make_ca other
	make_cert other dev1 san=DNS:dev1.example subject=/CN=dev1.example
	cert_env other/dev1.pem
	renewal dev1.csr
	answered 403 unknown_ca
	shows bad_certificate ext='basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth'
}

@test 'est-ra refuses a revoked certificate (S23)' {
	make_crl ca.crl "$(openssl x509 -in "$EST_DIR/dev1.example.pem" -noout \
	    -serial | cut -d= -f2)"
	cert_env "$EST_DIR/dev1.example.pem"
	renewal dev1.csr
	answered 403 revoked
	est_conf default CRL_REQUIRED=no
	renewal dev1.csr
	answered 403 revoked
}

@test 'est-ra lets in no certificate that has no name for the log' {
	make_cert "$EST_DIR" odd.example \
	    san=DER:30:07:87:05:01:02:03:04:05
	est_conf default ENROLL=cert "CLIENT_CAS=$PWD/cas.pem" APPROVAL=enroll \
	    "QUEUE_DIR=$PWD/queue"
	cert_env "$EST_DIR/odd.example.pem"
	ra_post /simpleenroll dev1.csr "${CLIENT[@]}"
	answered 403 bad_certificate
	[ -z "$(find queue -type f)" ]
}

@test 'est-ra re-enrolls nobody while the CRL says nothing (S23)' {
	local crl
	cert_env "$EST_DIR/dev1.example.pem"
	make_crl stale.crl from='2 days ago' to='1 day ago'
	make_crl old.crl from='2 days ago'
	echo junk >junk.crl
	cp "$EST_DIR/root.pem" other.crl
	for crl in missing stale old junk other; do
		est_conf default "CRL=$PWD/$crl.crl"
		renewal dev1.csr
		answered 503 crl
		grep -q '^Retry-After: ' headers
		said '.level == "error" and (.detail | test("'$crl'.crl"))'
		est_conf default "CRL=$PWD/$crl.crl" CRL_REQUIRED=no
		renewal dev1.csr
		answered 503 ca_unreachable
	done
	make_crl missing.crl
	est_conf default "CRL=$PWD/missing.crl"
	renewal dev1.csr
	answered 503 ca_unreachable
	make_crl old.crl from='2 days ago'
	est_conf default "CRL=$PWD/old.crl" CRL_MAX_AGE_SECONDS=259200
	renewal dev1.csr
	answered 503 ca_unreachable
}

@test 'est-ra: subject and names are those of the certificate (S19)' {
	make_crl ca.crl
	make_cert "$EST_DIR" dev3 subject=/O=Acme/CN=dev3.example \
	    san=DNS:dev3.example,IP:192.0.2.3,DNS:x.example
	cert_env "$EST_DIR/dev3.pem"
	est_conf default SUBJECT=O IP_NAMES=192.0.2.0/24
	local key=$EST_DIR/new.key names=IP:192.0.2.3,DNS:x.example
	csr "$key" /O=Acme/CN=dev3.example "$names,DNS:dev3.example" >same.csr
	renewal same.csr
	answered 503 ca_unreachable
	csr "$key" '/O=ACME/CN=DEV3.example' "$names,DNS:DEV3.example" >case.csr
	renewal case.csr
	answered 503 ca_unreachable
	local subject san
	while read -r subject san; do
		csr "$key" "$subject" "$san" >other.csr
		renewal other.csr
		answered 403 || { echo "$subject $san"; return 1; }
	done <<-END
	/CN=dev3.example $names,DNS:dev3.example
	/O=Acme/CN=x.example $names,DNS:dev3.example
	/O=Acme/CN=dev3.example $names
	/O=Acme/CN=dev3.example $names,DNS:dev3.example,DNS:y.example
	/O=Acme/CN=dev3.example
	END
}

@test 'est-ra: the same key, or a new one when the label wants it (S21)' {
	make_crl ca.crl
	cert_env "$EST_DIR/dev1.example.pem"
	csr "$EST_DIR/dev1.example.key" /CN=dev1.example DNS:dev1.example \
	    >again.csr
	renewal again.csr
	answered 503 ca_unreachable
	est_conf default KEY_REUSE=no
	renewal again.csr
	answered 403 key_reuse
	renewal dev1.csr
	answered 503 ca_unreachable
}

@test 'est-ra: who enrolls by certificate, by both, by one of them (S7, S9)' {
	local token
	make_ca maker
	make_cert maker dev subject=/CN=serial-1
	cert_env maker/dev.pem
	est_conf default ENROLL=cert "CLIENT_CAS=$PWD/maker/int.pem"
	ra_post /simpleenroll dev1.csr "${CLIENT[@]}"
	answered 503 ca_unreachable
	# The maker's certificate is no reason to re-enroll, ours none to enroll.
	make_crl ca.crl
	ra_post /simplereenroll dev1.csr "${CLIENT[@]}"
	answered 403 unknown_ca
	cert_env "$EST_DIR/dev1.example.pem"
	ra_post /simpleenroll dev1.csr "${CLIENT[@]}"
	answered 403 unknown_ca
	cert_env maker/dev.pem
	token=$(est_token)
	est_conf default ENROLL=token-and-cert "CLIENT_CAS=$PWD/maker/int.pem"
	ra_post /simpleenroll dev1.csr "${CLIENT[@]}"
	answered 401 no_token
	ra_post /simpleenroll dev1.csr "$(basic "$token")"
	answered 403 no_cert
	ra_post /simpleenroll dev1.csr "${CLIENT[@]}" "$(basic "$token")"
	answered 503 ca_unreachable
	est_conf default ENROLL=token-or-cert "CLIENT_CAS=$PWD/maker/int.pem"
	ra_post /simpleenroll dev1.csr "${CLIENT[@]}"
	answered 503 ca_unreachable
	ra_post /simpleenroll dev1.csr "$(basic "$token")"
	answered 503 ca_unreachable
	ra_post /simpleenroll dev1.csr
	answered 401 no_token
	# What was said of the certificate is not said of the token.
	est_conf default ENROLL=token-or-cert "CLIENT_CAS=$PWD/maker/int.pem" \
	    "CLIENT_CRL=$PWD/missing" DNS_NAMES=.other
	ra_post /simpleenroll dev1.csr "${CLIENT[@]}" "$(basic "$token")"
	answered 403 name_not_allowed
	run -1 grep -i retry-after headers
}

@test 'est-ra: a challengePassword is refused or ignored, never logged (S28)' {
	local auth
	auth=$(basic "$(est_token)")
	printf '[req]\ndistinguished_name=d\nattributes=a\nprompt=no\n%s\n' \
	    'req_extensions=x
[x]
subjectAltName=DNS:dev1.example
[d]
CN=dev1.example
[a]
challengePassword=Sesame-1234' >req.cnf
	openssl req -new -config req.cnf -key "$EST_DIR/new.key" -outform DER |
	    openssl base64 -A >challenge.csr
	ra_post /simpleenroll challenge.csr "$auth"
	answered 400 challenge_password
	est_conf default CHALLENGE_PASSWORD=ignore
	ra_post /simpleenroll challenge.csr "$auth"
	answered 503 ca_unreachable
	run -1 grep -r Sesame answer log state tokens queue
}

@test 'est-ra enrolls from the addresses of the list' {
	local auth
	auth=$(basic "$(est_token)")
	echo '192.0.2.0/25' >addresses
	est_conf default "ADDRESSES=$PWD/addresses"
	ra_post /simpleenroll dev1.csr "$auth"
	answered 503 ca_unreachable
	ra_post /simpleenroll dev1.csr "$auth" REMOTE_ADDR=::ffff:192.0.2.9
	answered 503 ca_unreachable
	said '.peer == "192.0.2.9"'
	ra_post /simpleenroll dev1.csr "$auth" REMOTE_ADDR=192.0.2.200 \
	    HTTP_X_FORWARDED_FOR=192.0.2.7 HTTP_X_REAL_IP=192.0.2.7
	answered 403 address
	ra_post /simpleenroll dev1.csr "$auth" REMOTE_ADDR=192.0.2.07
	answered 400 odd_header
	: >addresses
	ra_post /simpleenroll dev1.csr "$auth"
	answered 500 addresses
}

@test 'est-ra: manual approval is 202 and Retry-After, once (S18)' {
	local auth key
	est_conf default APPROVAL=enroll "QUEUE_DIR=$PWD/queue" \
	    RETRY_AFTER_SECONDS=77
	auth=$(basic "$(est_token)")
	ra_post /simpleenroll dev1.csr "$auth"
	answered 202 approval
	grep -qx 'Retry-After: 77' headers
	said '.decision == "pending" and .event == "provision.request.accepted"'
	key=$(ls queue/pending)
	# The same again, and signed anew, is the same.
	csr "$EST_DIR/new.key" /CN=dev1.example DNS:dev1.example >again.csr
	ra_post /simpleenroll again.csr "$auth"
	answered 202
	[ "$(ls queue/pending)" = "$key" ]
	mv "queue/pending/$key" "queue/approved/$key"
	ra_post /simpleenroll dev1.csr "$auth"
	answered 503 ca_unreachable
	[ -e "queue/approved/$key" ]
	mv "queue/approved/$key" "queue/denied/$key"
	ra_post /simpleenroll dev1.csr "$auth"
	answered 403 not_approved
}

@test 'est-ra: what the CA did not issue costs no token' {
	local token
	token=$(est_token)
	ra_post /simpleenroll dev1.csr "$(basic "$token")"
	answered 503 ca_unreachable
	grep -qx 'Retry-After: 30' headers
	[ -e "tokens/${token:0:5}" ]
	run -1 grep -q 127.0.0.1 answer
}

early() { [ $((10#$(date +%S))) -lt 50 ]; }

@test 'est-ra: so many requests from an address in a minute' {
	local i
	est_conf default MAX_PER_MINUTE=3
	# Not across the end of a minute.
	wait_for 15 early
	for i in 1 2 3; do
		ra GET /cacerts
		answered 200
	done
	ra GET /cacerts
	answered 429 rate
	grep -q '^Retry-After: ' headers
	ra GET /cacerts REMOTE_ADDR=::ffff:192.0.2.7
	answered 429
	ra GET /cacerts REMOTE_ADDR=192.0.2.8
	answered 200
	for i in 1 2 3; do
		ra GET /cacerts REMOTE_ADDR=2001:db8::$i
		answered 200
	done
	ra GET /cacerts REMOTE_ADDR=2001:db8::ffff:4
	answered 429
	ra GET /cacerts REMOTE_ADDR=2001:db8:0:1::4
	answered 200
}

@test 'est-ra: what strangers make it write does not grow' {
	local i size
	ra GET /cacerts
	size=$(du -sb state | cut -f1)
	for i in {1..100}; do
		ra GET /cacerts REMOTE_ADDR="10.1.2.$i"
	done
	[ "$(du -sb state | cut -f1)" -eq "$size" ]
	truncate -s 100 state/counts
	ra GET /cacerts
	answered 200
}

@test 'est-ra: so many at once' {
	est_conf default MAX_AT_ONCE=1
	waiting_ra "$(basic "$(est_token)")"
	wait_file state/counts
	wait_for 10 ra_busy
	grep -qx 'Retry-After: 2' headers
	ra GET /cacerts
	answered 200
	exec 7>&-
	wait_for 10 ra_free
}

ra_busy() { ra_post /simpleenroll dev1.csr && [ "$status" = 503 ]; }
ra_free() { ra_post /simpleenroll dev1.csr && [ "$status" = 401 ]; }

@test 'est-ra: what a stranger sends does not write in the log' {
	local auth
	auth=$(basic "$(est_token)")
	ra GET $'/x\n{"level":"info"}/cacerts' REMOTE_ADDR=$'1.2.3.4\n5'
	answered 400
	cert_env "$EST_DIR/dev1.example.pem" $'FAILED:\e[31m\nx'
	renewal dev1.csr
	answered 403
	run -1 grep -q $'\e' log
	csr "$EST_DIR/new.key" $'/CN=a\nb\e[0m' >odd.csr
	ra_post /simpleenroll odd.csr "$auth"
	run -1 grep -q $'\e' log answer
}

@test 'est-ra: an answer that nobody takes is in the log' {
	env -i "${SAN[@]}" HTTPS=on REMOTE_ADDR=192.0.2.7 EST_RA_CONF="$PWD/conf" \
	    REQUEST_METHOD=GET PATH_INFO=/cacerts "$ECA_BIN/est-ra" \
	    2>log >/dev/full
	said '.detail | test("the answer was lost")'
}

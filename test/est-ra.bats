# SPDX-License-Identifier: ISC
# est-ra by hand: its configuration, requests and answers, limits; who gets a
# certificate is in est-ra-who.bats.  The S in a title is a line of the
# checklist for servers made from RFC 7030 and RFC 8951.

load helper
load estra
load esthand

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

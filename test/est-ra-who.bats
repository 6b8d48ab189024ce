#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# est-ra by hand: whom it gives a certificate, by token, by certificate, by
# address, by approval; see est-ra.bats.

load helper
load estra
load esthand

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

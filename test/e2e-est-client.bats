#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The EST commands with real servers: globalsign's EST server, nginx that asks
# for Basic or for a certificate in front of it, lighttpd that asks for Digest.

load helper
load servers

setup_file() {
	start_estserver
}

teardown_file() {
	end_servers
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	base=$EST
	cp "$EST_CA/root.pem" .
	cat root.pem "$EST_CA/int.pem" >cas.pem
	cat root.pem "$CA/root.pem" >anchors.pem	# those of the front, too
	printf 'dev1:pass:word\n' >user
	printf 'T0KEN\n' >token
	chmod 600 user token
	mkkey -o key.pem
	mkcsr -k key.pem -N CN=dev1,O=Acme -d dev1.example -i 192.0.2.1 \
	    -D URI:urn:dev:1 >req.pem
}

teardown() {
	stop_bg
}

est() {
	"$1" -u "$base" -A anchors.pem "${@:2}"
}

enroll() {
	run -0 --separate-stderr est est-enroll -B cas.pem "$@"
	[ -z "$stderr" ]
	printf '%s\n' "$output" >cert.pem
	run -0 cert-verify -B root.pem -k key.pem cert.pem
}

# refused CODE TEXT [OPTION]...
refused() {
	run "-$1" --separate-stderr est est-enroll -B cas.pem "${@:3}"
	[ -z "$output" ]
	[[ $stderr == "est-enroll: "*"$2"* ]] || {
		printf 'said: %s\n' "$stderr"
		return 1
	}
}

serial() {
	openssl x509 -in "$1" -noout -serial
}

# front WORDS: nginx in front of the EST server, with these words.
front() {
	printf 'dev1:%s\n' "$(openssl passwd -apr1 pass:word)" >htpasswd
	double "$1
		location / { proxy_pass $EST; }"
	base=https://127.0.0.1:$port
}

@test "est-enroll: C8 from a fingerprint to a renewed certificate" {
	local hex first op
	hex=$(openssl x509 -in root.pem -noout -fingerprint -sha256)
	run -0 --separate-stderr est-cacerts -u "$EST" -F "${hex#*=}"
	[ -z "$stderr" ]
	[ "$output" = "$(<cas.pem)" ]
	run -0 --separate-stderr est est-csrattrs
	[[ $output == '{"offered":false,'* ]]
	printf '%s\n' "$output" >want.json
	mkcsr -k key.pem -N CN=dev1,O=Acme -d dev1.example -Q want.json \
	    >req.pem
	enroll req.pem
	[ "$(openssl x509 -in cert.pem -noout -subject -nameopt RFC2253)" = \
	    'subject=CN=dev1,O=Acme' ]
	[ "$(grep -c BEGIN cert.pem)" -eq 2 ]
	first=$(serial cert.pem)
	cp cert.pem old.pem
	cp -p key.pem old-key.pem
	# renewed with the same key, then with another
	mkcsr -k key.pem -x old.pem >req.pem
	enroll -r -c old.pem -k old-key.pem req.pem
	[ "$(serial cert.pem)" != "$first" ]
	rm key.pem
	mkkey -t P-384 -o key.pem
	mkcsr -k key.pem -x old.pem >req.pem
	enroll -r -c old.pem -k old-key.pem req.pem
	for op in -subject '-ext subjectAltName'; do
		# shellcheck disable=SC2086
		[ "$(openssl x509 -in cert.pem -noout $op)" = \
		    "$(openssl x509 -in old.pem -noout $op)" ]
	done
}

@test "est-enroll: the recipes of est.7 work" {
	local hex
	rm key.pem req.pem
	hex=$(openssl x509 -in root.pem -noout -fingerprint -sha256)
	echo "${hex#*=}" >root.sha256
	# without roff, at the real server; the first two of them
	sed -n '/^\.Sh RECIPES/,/^\.Sh DEP/p' "$ECA_ROOT/man/est.7" |
	    awk '/^\.Bd/ { n++; on = 1; next } /^\.Ed/ { on = 0 } on && n < 3' |
	    sed "s|^u=.*|u=$EST|; s/\\\\e/\\\\/" >recipes
	grep -q 'est-cacerts -u $u -F' recipes
	grep -q 'est-enroll -r' recipes
	run -0 sh -e recipes
	run -0 cert-verify -B cas.pem -k key.pem cert.pem
	run -0 cert-verify -B cas.pem -k new.pem -n dev1.example new-cert.pem
}

@test "est-enroll: keys of each kind" {
	local type
	for type in rsa2048 P-384; do
		rm key.pem
		mkkey -t "$type" -o key.pem
		mkcsr -k key.pem -N CN=dev1 -d dev1.example >req.pem
		enroll req.pem
	done
}

@test "est-enroll: the server's refusals are shown, 202 is 75" {
	local what
	base=$EST/triggererrors
	for what in Forbidden Deferred Unknown; do
		mkcsr -k key.pem -N "CN=Trigger Error $what" >"$what.pem"
	done
	refused 2 'simpleenroll: 403, not allowed: 403 triggered' Forbidden.pem
	refused 75 '202, the server has not decided yet; again in 600 s' \
	    Deferred.pem
	[[ ${stderr_lines[-1]} == 'retry-at: 20'*Z ]]
	refused 75 'simpleenroll: 500: ' Unknown.pem
	run -0 --separate-stderr est est-csrattrs
	[ "$stderr" = 'est-csrattrs: csrattrs: 500, going on without' ]
}

@test "est-enroll -r: C11 a certificate of another CA is refused by TLS" {
	local rc=0
	make_cert "$PWD" alien subject=/CN=alien issuer=self san=DNS:x.example
	mkcsr -k key.pem -x alien.pem >alien-req.pem
	# 2 when the alert is seen, 75 when the closed connection is before it
	est est-enroll -r -c alien.pem -k alien.key alien-req.pem \
	    >out 2>err || rc=$?
	[ "$rc" -eq 2 ] || [ "$rc" -eq 75 ]
	[ ! -s out ]
	grep -q 'the server does not take the certificate' err
}

@test "est-enroll -U: C3 Basic, asked for and then sent" {
	front 'auth_basic "est"; auth_basic_user_file htpasswd;'
	enroll -U user req.pem
	# not before it was asked for
	[ "$(cut -d ' ' -f 3,9 requests.log)" = '- 401
dev1 200' ]
	printf 'dev1:wrong\n' >user
	refused 2 '401, it does not take the password or token' -U user req.pem
	[ "$(wc -l <requests.log)" -eq 4 ]
	refused 2 '401, it wants a password or token (-U), or a certificate' \
	    req.pem
	printf 'dev1:pass:word\n' >user
	run -0 --separate-stderr est est-cacerts -U user
	[ "$output" = "$(<cas.pem)" ]
}

@test "est-enroll -U: what was asked for once is sent at once" {
	front 'auth_basic "est"; auth_basic_user_file htpasswd;'
	base=$base/triggererrors
	mkcsr -k key.pem -N 'CN=Trigger Error Deferred' >late.pem
	refused 75 'beyond the deadline' -W -m 3 -U user late.pem
	[ "$(wc -l <requests.log)" -eq 2 ]
}

# lighty WORDS: lighttpd with a CGI script that answers with cert.pem.
lighty() {
	require lighttpd
	port=$(free_port)
	base=https://127.0.0.1:$port
	mkdir -p www/.well-known/est
	{
		printf '%s\n' "$2"
		printf 'printf "%s\n"\n' 'Content-Type: application/pkcs7-mime\n'
		printf 'cat <<END\n%s\nEND\n' "$(openssl crl2pkcs7 -nocrl \
		    -certfile cert.pem -outform DER | base64)"
	} >www/.well-known/est/simpleenroll
	cat >lighttpd.conf <<-END
	server.modules = ("mod_auth", "mod_authn_file", "mod_cgi",
	    "mod_openssl")
	server.document-root = "$PWD/www"
	server.bind = "127.0.0.1"
	server.port = $port
	ssl.engine = "enable"
	ssl.pemfile = "$CA/a.example.chain.pem"
	ssl.privkey = "$CA/a.example.key"
	cgi.assign = ("simpleenroll" => "/bin/sh")
	$1
	END
	start_bg lighttpd -D -f lighttpd.conf
	wait_port "$port"
}

@test "est-enroll -U: C3 Digest, which proves the password without it" {
	enroll req.pem
	printf 'dev1:est:%s\n' "$(printf 'dev1:est:pass:word' | md5sum |
	    cut -d ' ' -f 1)" >users
	lighty "auth.backend = \"htdigest\"
	auth.backend.htdigest.userfile = \"$PWD/users\"
	auth.require = (\"/\" => (\"method\" => \"digest\", \"realm\" => \"est\",
	    \"require\" => \"valid-user\"))" \
	    'case $HTTP_AUTHORIZATION in Digest*) ;; *) exit 1 ;; esac'
	run -0 --separate-stderr est est-enroll -B cas.pem -U user req.pem
	[ "$output" = "$(<cert.pem)" ]
	printf 'dev1:wrong\n' >user
	refused 2 '401, it does not take the password or token' -U user req.pem
}

@test "est-enroll -U: C3 a bare token is the password of nobody" {
	enroll req.pem
	lighty '' 'if [ "$HTTP_AUTHORIZATION" != "Basic OlQwS0VO" ]; then
		printf "Status: 401\nWWW-Authenticate: Basic realm=x\n\n"
		exit
	fi'
	[ "$(printf :T0KEN | base64)" = OlQwS0VO ]
	run -0 --separate-stderr est est-enroll -B cas.pem -U token req.pem
	[ "$output" = "$(<cert.pem)" ]
	refused 2 '401, it does not take the password or token' -U user req.pem
}

@test "est-enroll: S9 a certificate and a password, one of them is not enough" {
	enroll req.pem
	cp cert.pem own.pem
	cp -p key.pem own-key.pem
	front "ssl_client_certificate $EST_CA/issuers.pem;
		ssl_verify_client on; ssl_verify_depth 2;
		auth_basic est; auth_basic_user_file htpasswd;"
	enroll -c own.pem -k own-key.pem -U user req.pem
	refused 2 '401, it wants a password or token too (-U)' \
	    -c own.pem -k own-key.pem req.pem
	refused 2 'simpleenroll: 400' -U user req.pem
}

@test "est-enroll: C1, C4 a server that the anchors do not vouch for gets nothing" {
	run -2 --separate-stderr est-enroll -u "$EST" -A "$CA/root.pem" \
	    -U user req.pem
	[ -z "$output" ]
	[[ $stderr == *certificate* ]]
	run -2 --separate-stderr est-enroll -u "${EST/127.0.0.1/localhost}" \
	    -A root.pem req.pem
	[ -z "$output" ]
	run -75 --separate-stderr est-enroll -m 5 \
	    -u "https://127.0.0.1:$(free_port)" -A root.pem req.pem
	[ -z "$output" ]
}

@test "est-enroll keeps its password and key to itself" {
	local pid
	enroll req.pem
	mkcsr -k key.pem -N 'CN=Trigger Error Deferred' >late.pem
	base=$EST/triggererrors
	front 'auth_basic "est"; auth_basic_user_file htpasswd;'
	start_bg est-enroll -W -m 700 -u "$base/triggererrors" \
	    -A anchors.pem -U user late.pem
	pid=$bg
	wait_for 10 grep -q 'dev1.*202' requests.log
	run -1 grep -qa 'pass:word' "/proc/$pid/cmdline" "/proc/$pid/environ"
	run -0 --separate-stderr est est-enroll -v -c cert.pem -k key.pem \
	    -U user req.pem
	[[ $stderr != *pass* ]]
}

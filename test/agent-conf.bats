#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Values one by one are in unit/agentconf-test.c.

load helper

setup() {
	local key
	cd "$BATS_TEST_TMPDIR" || return
	while read -r key; do
		unset "$key"
	done < <(keys)
	unset BOOTSTRAP_TOKEN
	mkdir d
	root=$CA/root.pem
}

# keys: those of the table, in its order.
keys() {
	sed -n 's/^\t\[AC_.*{"\([A-Z_]*\)",.*/\1/p' \
	    "$ECA_ROOT/src/lib/agentkey.c"
}

# conf NAME LINE...: a certificate, complete with these lines.
conf() {
	printf '%s\n' PROTOCOL=acme CA_URL=https://ca.example \
	    "CA_ROOT=$root" DOMAIN_NAME=a.example "${@:2}" >"d/$1.conf"
}

est() {
	printf '%s\n' PROTOCOL=est CA_URL=https://ca.example \
	    "CA_ROOT=$root" SUBJECT_DN=CN=a "${@:2}" >"d/$1.conf"
}

# value KEY NAME [PROTOCOL]: of a good configuration.
value() {
	run -0 --separate-stderr agent-conf -c d -n "$2" "${3:-acme}"
	[ -z "$stderr" ]
	sed -n "s/^$1=//p" <<<"$output"
}

# refused LINE...: exactly these complaints.
refused() {
	run -2 --separate-stderr agent-conf -c d -f json acme
	[ -z "$output" ]
	printf 'agent-conf: %s\n' "$@" >wanted
	diff wanted - <<<"$stderr"
}

@test "agent-conf keeps the contract of all commands" {
	run -0 contract agent-conf
}

@test "agent-conf prints the keys of the agent itself" {
	run -0 --separate-stderr agent-conf -c d est
	[ -z "$stderr" ]
	[ "$output" = "STATE_DIR=/var/lib/eca
STORE_DIR=/var/lib/eca/store
LOG_LEVEL=info
LOG_TO=stderr" ]
	printf '%s\n' STATE_DIR=/srv/eca/ LOG_TO=syslog >d/defaults
	LOG_TO=/srv/log run -0 --separate-stderr agent-conf -c d acme
	[ -z "$stderr" ]
	[ "$output" = "STATE_DIR=/srv/eca
STORE_DIR=/srv/eca/store
LOG_LEVEL=info
LOG_TO=/srv/log" ]
}

@test "agent-conf prints a certificate with all defaults" {
	conf web
	run -0 --separate-stderr agent-conf -c d -n web acme
	[ -z "$stderr" ]
	[ "$output" = "PROTOCOL=acme
CA_URL=https://ca.example
CA_ROOT=$root
CERT_ROOT=$root
DOMAIN_NAME=a.example
KEY_TYPE=P-256
RENEWAL_THRESHOLD_PERCENT=33
RENEWAL_SPREAD_PERCENT=10
CHECK_INTERVAL_SECONDS=21600
FORCE_RENEWAL=false
ORDER_TIMEOUT_SECONDS=120
CLOCK_SKEW_SECONDS=300
PROXY=false
CRL_ENABLED=false
CRL_MAX_AGE_HOURS=2
CRL_FAIL=open
RELOAD_TIMEOUT_SECONDS=30
PROBE_TIMEOUT_SECONDS=30
ACCOUNT_KEY=/var/lib/eca/account.pem
ARI=true
CHALLENGE_LISTEN=:4212" ]
	est dev
	run -0 --separate-stderr agent-conf -c d -n dev est
	[ -z "$stderr" ]
	[[ $output != *ACCOUNT_KEY* && $output != *CHALLENGE* ]]
	[[ $output == *$'\nEST_IDENTITY=exact\nEST_CSRATTRS=false' ]]
}

@test "agent-conf -f json prints an object for each certificate, by name" {
	conf b
	conf a 'ACME_CHAIN=The "Root"'
	est dev
	run -0 --separate-stderr agent-conf -c d -f json acme
	[ -z "$stderr" ]
	[ "${#lines[@]}" -eq 2 ]
	[ "$(jq -rs 'map(.name + " " + .file) | join(",")' <<<"$output")" = \
	    'a d/a.conf,b d/b.conf' ]
	[ "$(jq -r '.ACME_CHAIN // empty' <<<"$output")" = 'The "Root"' ]
	[ "$(jq -r 'map(type) | unique | .[]' <<<"${lines[0]}")" = string ]
	run -0 --separate-stderr agent-conf -c d -f json -n b acme
	[ "${#lines[@]}" -eq 1 ]
	# the same keys in both forms
	jq -r 'del(.name, .file) | to_entries[] | .key + "=" + .value' \
	    <<<"$output" >json
	agent-conf -c d -n b acme | diff - json
}

@test "agent-conf -f links prints the stable names and where they lead" {
	(umask 077 && echo secret >password)
	conf a CERT_PATH=/srv/a/c.pem PFX_PATH=/srv/a/a.pfx \
	    "PFX_PASSWORD_FILE=$PWD/password" MINIO_CERTS_DIR=/srv/minio
	run -0 --separate-stderr agent-conf -c d -f links -n a acme
	[ -z "$stderr" ]
	diff - <<<"$output" <(printf '%s\t%s\n' \
	    /srv/a/c.pem fullchain.pem \
	    /srv/a/a.pfx client.pfx \
	    /srv/minio/public.crt public.crt \
	    /srv/minio/private.key private.key)
	conf b
	run -0 --separate-stderr agent-conf -c d -f links -n b acme
	[ -z "$output$stderr" ]
	run -2 agent-conf -c d -f link -n a acme
	[[ $output == 'usage: agent-conf '* ]]
}

@test "agent-conf takes the file before defaults, the environment before both" {
	printf '%s\n' PROTOCOL=acme KEY_TYPE=P-384 RENEWAL_SPREAD_PERCENT=7 \
	    EST_IDENTITY=any >d/defaults
	conf a KEY_TYPE=rsa2048
	sed -i /PROTOCOL/d d/a.conf
	[ "$(value KEY_TYPE a)" = rsa2048 ]
	[ "$(value RENEWAL_SPREAD_PERCENT a)" = 7 ]
	export KEY_TYPE=Ed25519 PROTOCOL=est
	[ "$(value KEY_TYPE a)" = Ed25519 ]
	# an empty variable is none
	[ "$(KEY_TYPE='' value KEY_TYPE a)" = rsa2048 ]
	# a certificate of the other protocol does not count, a second does
	est dev
	[ "$(value KEY_TYPE a)" = Ed25519 ]
	[ "$(value EST_IDENTITY dev est)" = any ]
	conf b
	[ "$(value KEY_TYPE a)" = rsa2048 ]
	[ "$(value KEY_TYPE b)" = P-384 ]
}

@test "agent-conf lets an empty value take back a default" {
	printf '%s\n' CRL_URL=http://ca/crl KEY_TYPE=P-384 \
	    CHALLENGE_LISTEN=:80 >d/defaults
	mkdir www
	conf a CRL_URL= KEY_TYPE= CHALLENGE_LISTEN= "CHALLENGE_DIR=$PWD/www"
	[ -z "$(value CRL_URL a)" ]
	[ -z "$(value CHALLENGE_LISTEN a)" ]
	[ "$(value KEY_TYPE a)" = P-256 ]
	conf a CA_URL=
	sed -i 2d d/a.conf
	refused 'd/a.conf:4: CA_URL: missing; an https URL is needed, as in CA_URL=https://ca.example:4210'
}

@test "agent-conf makes a certificate of the environment alone" {
	export CA_URL=https://ca:4210/ CA_ROOT=$root DOMAIN_NAME=A.example
	export ACME_PROVISIONER=acme
	run -0 --separate-stderr agent-conf -c missing -f json acme
	[ -z "$stderr" ]
	[ "$(jq -r '[.name, .file, .PROTOCOL, .CA_URL, .DOMAIN_NAME] | @csv' \
	    <<<"$output")" = \
	    '"default",,"acme","https://ca:4210","a.example"' ]
	run -0 agent-conf -c d -n default acme
	# EST in the same environment, with defaults; keys of ACME do not matter
	echo KEY_TYPE=P-384 >d/defaults
	[ "$(value KEY_TYPE default est)" = P-384 ]
	PROTOCOL=est run -0 --separate-stderr agent-conf -c d -f json acme
	[ -z "$output$stderr" ]
	PROTOCOL=est run -0 agent-conf -c d -n default est
	unset CA_ROOT
	export CHECK_INTERVAL_SECONDS=soon CHALLENGE_HOOK=$'/a\nb'
	refused 'environment: CHECK_INTERVAL_SECONDS: soon: a whole number from 1 to 604800 is needed' \
	    'environment: CHALLENGE_HOOK: a control character, or not ASCII; take it out' \
	    'environment: CA_ROOT: missing; the absolute path of a file is needed, as in CA_ROOT=/etc/eca/root.pem'
}

@test "agent-conf names the directory that is not there, and what to do" {
	run -2 --separate-stderr agent-conf -c gone acme
	[ "$stderr" = 'agent-conf: gone: no such directory; make it, with a NAME.conf for each certificate, or set CA_URL' ]
	run -2 --separate-stderr agent-conf -c d -n web acme
	[ "$stderr" = 'agent-conf: web: no certificate of that name for acme in d' ]
	chmod 777 d
	refused 'd: everybody can write there: chmod o-w'
}

@test "agent-conf prints all complaints of all files at once" {
	printf '%s\n' KEY_TYPE=dsa NO_SUCH_KEY_AT_ALL=1 >d/defaults
	cat >d/a.conf <<-'END'
	# a comment

	export PROTOCOL=acme
	PROTOCOL=acme
	CA_ULR=https://ca.example
	CA_ROOT=root.pem
	CA_ROOT=/etc/root.pem
	RENEWAL_THRESHOLD=33
	RENEWAL_SPREAD_PERCENT=51
	BOOTSTRAP_TOKEN=geheim
	STATE_DIR=/srv
	EST_IDENTITY=san
	PROXY="true"
	DOMAIN_NAME=a.example b..example
	CRL_ENABLED=true
	CA_URL=https://joe:geheim@ca.example/
	END
	printf 'PROTOCOL=acme\nKEY_TYPE=dsa' >d/b.conf
	printf '\0' >d/c.conf
	refused "d/defaults:1: KEY_TYPE: dsa: rsa2048, rsa3072, rsa4096, P-256, P-384 or Ed25519 is needed" \
	    'd/defaults:2: NO_SUCH_KEY_AT_ALL: no such key; certs.d(5) has the table' \
	    'd/a.conf:3: not KEY=value; a line is KEY=value in ASCII, the key in capitals and nothing before the =, or begins with #' \
	    'd/a.conf:5: CA_ULR: no such key; did you mean CA_URL?' \
	    'd/a.conf:6: CA_ROOT: root.pem: the absolute path of a file is needed, as in CA_ROOT=/etc/eca/root.pem' \
	    'd/a.conf:7: CA_ROOT: a second time, it is on line 6 already; take one out' \
	    'd/a.conf:8: RENEWAL_THRESHOLD: no such key; did you mean RENEWAL_THRESHOLD_PERCENT?' \
	    'd/a.conf:9: RENEWAL_SPREAD_PERCENT: 51: a whole number from 0 to 50 is needed' \
	    'd/a.conf:10: BOOTSTRAP_TOKEN: a secret has no place here; put it into a file of its own, mode 0600, and name that with BOOTSTRAP_TOKEN_FILE' \
	    'd/a.conf:11: STATE_DIR: a key of the agent itself; its place is the file "defaults", or the environment' \
	    'd/a.conf:13: PROXY: "true": quotes stay a part of it, leave them out; true or false is needed' \
	    'd/a.conf:14: DOMAIN_NAME: b..example: an empty label; a list of DNS names, IP addresses, URI:... and email:... is needed, as in DOMAIN_NAME=www.example, 192.0.2.1' \
	    'd/a.conf:16: CA_URL: a URL: a user name in it; an https URL is needed, as in CA_URL=https://ca.example:4210' \
	    "d/b.conf:2: KEY_TYPE: dsa: rsa2048, rsa3072, rsa4096, P-256, P-384 or Ed25519 is needed" \
	    'd/c.conf: a NUL byte in it; this is no text' \
	    'd/a.conf:12: EST_IDENTITY: only for PROTOCOL=est, this is acme; take it out' \
	    'd/a.conf: CRL_URL: missing, CRL_ENABLED is true; an http or https URL is needed, as in CRL_URL=http://ca.example:4211/crl/ca.crl' \
	    'd/b.conf: CA_URL: missing; an https URL is needed, as in CA_URL=https://ca.example:4210' \
	    'd/b.conf: CA_ROOT: missing; the absolute path of a file is needed, as in CA_ROOT=/etc/eca/root.pem' \
	    'd/b.conf: DOMAIN_NAME: missing; a list of DNS names, IP addresses, URI:... and email:... is needed, as in DOMAIN_NAME=www.example, 192.0.2.1'
	[[ $stderr != *geheim* ]]
}

@test "agent-conf takes JSON: strings, numbers, true and false" {
	cat >d/a.json <<-END
	{"PROTOCOL": "est", "CA_URL": "https://ca.example",
	 "CA_ROOT": "$root", "SUBJECT_DN": "CN=a",
	 "CRL_MAX_AGE_HOURS": 0.1, "CLOCK_SKEW_SECONDS": 60, "CRL_ENABLED": false}
	END
	[ "$(value CRL_MAX_AGE_HOURS a est)" = 0.1 ]
	[ "$(value CLOCK_SKEW_SECONDS a est)" = 60 ]
	[ "$(value CRL_ENABLED a est)" = false ]
	cat >d/a.json <<-END
	{"PROTOCOL": "acme", "ACME_CHAIN": "\"PROXY\" : 1", "CA_URL":
	   "https://ca.example", "CA_ROOT": "$root",
	 "DOMAIN_NAME": ["a.example"],
	 "PROXY": 1, "CRL_URL": null,
	 "KEY_TYPE" : "P-521",
	 "ca_url": "x", "KEY_PATH": "/a\u0007"}
	END
	printf '{\n"PROTOCOL": "acme",\n]' >d/b.json
	echo '[]' >d/c.json
	printf '{"PROXY": true,\n"PROXY": true}' >d/d.json
	refused 'd/a.json:3: DOMAIN_NAME: not a single value; a string, a number, true or false is needed' \
	    'd/a.json:4: PROXY: 1: true or false is needed' \
	    'd/a.json:4: CRL_URL: not a single value; a string, a number, true or false is needed' \
	    'd/a.json:5: KEY_TYPE: P-521: rsa2048, rsa3072, rsa4096, P-256, P-384 or Ed25519 is needed' \
	    'd/a.json:6: ca_url: no such key; did you mean CA_URL?' \
	    'd/a.json:6: KEY_PATH: a control character, or not ASCII; take it out' \
	    "d/b.json:3: not JSON: string or '}' expected near ']'; one object is needed, {\"KEY\": \"value\", ...}" \
	    'd/c.json: not a JSON object; one object is needed, {"KEY": "value", ...}' \
	    "d/d.json:2: not JSON: duplicate object key near '\"PROXY\"'; one object is needed, {\"KEY\": \"value\", ...}"
}

@test "agent-conf refuses files that others can write, that are none, or too large" {
	conf a
	chmod g+w d/a.conf
	mkfifo d/b.conf
	mkdir d/c.conf
	{ echo '#'; head -c 65536 /dev/zero | tr '\0' '#'; } >d/d.conf
	ln -s nowhere d/e.conf
	refused 'd/a.conf: others can write it; chmod go-w' \
	    'd/b.conf: not a regular file; one is needed' \
	    'd/c.conf: not a regular file; one is needed' \
	    'd/d.conf: larger than the limit of 65536 bytes' \
	    'd/e.conf: No such file or directory'
	rm -r d/?.conf
	echo >d/defaults
	chmod o+w d/defaults
	refused 'd/defaults: others can write it; chmod go-w'
}

@test "agent-conf looks at NAME.conf and NAME.json only, one for a name" {
	conf a
	cp d/a.conf d/.hidden.conf
	cp d/a.conf d/a.conf~
	echo noise >d/README
	mv d/a.conf d/x-1.y_z.conf
	run -0 agent-conf -c d -n x-1.y_z acme
	echo '{"PROTOCOL":"acme","CA_URL":"https://a","CA_ROOT":"'"$root"'","DOMAIN_NAME":"a"}' \
	    >d/x-1.y_z.json
	refused 'd/x-1.y_z.json: there is x-1.y_z.conf too; keep one of them'
	rm d/x*
	conf "$(printf '%065d' 1)"
	conf $'a\eb'
	conf defaults
	conf -
	conf -n
	run -2 --separate-stderr agent-conf -c d acme
	[ "$(wc -l <<<"$stderr")" -eq 5 ]
	assert_stderr_line 'agent-conf: d/-.conf: not a name for a certificate; up to 64 letters, digits, . _ and - are, no - first'
	assert_stderr_line "agent-conf: d/$(printf '%065d' 1).conf: not a name for a certificate; up to 64 letters, digits, . _ and - are, no - first"
	assert_stderr_line 'agent-conf: d/a\x1bb.conf: not a name for a certificate; up to 64 letters, digits, . _ and - are, no - first'
	assert_stderr_line 'agent-conf: d/defaults.conf: not the name of a certificate; the file with the defaults is called defaults, without .conf'
}

@test "agent-conf wants a protocol, and what it asks for" {
	printf 'CA_URL=https://a\n' >d/a.conf
	printf 'PROTOCOL=scep\n' >d/b.conf
	printf 'PROTOCOL=est\nCA_URL=https://a\nCA_ROOT=%s\n' "$root" >d/c.conf
	refused 'd/b.conf:1: PROTOCOL: scep: acme or est is needed' \
	    'd/a.conf: PROTOCOL: missing; acme or est is needed' \
	    'd/c.conf: DOMAIN_NAME: missing, and SUBJECT_DN too; a list of DNS names, IP addresses, URI:... and email:... is needed, as in DOMAIN_NAME=www.example, 192.0.2.1'
}

@test "agent-conf checks one key against another" {
	mkdir www
	conf a PFX_PATH=/srv/a.pfx CHALLENGE_LISTEN=:80 "CHALLENGE_DIR=$PWD/www"
	conf b KEY_PATH=/var/lib/eca/store/b/key.pem
	sed -i 's/=a.example/=*.a.example URI:urn:a/' d/b.conf
	refused 'd/a.conf:7: CHALLENGE_DIR: CHALLENGE_LISTEN is set too; keep the one that answers' \
	    'd/a.conf: PFX_PASSWORD_FILE: missing, there is PFX_PATH; the absolute path of a file is needed, as in PFX_PASSWORD_FILE=/etc/eca/pfx.password' \
	    'd/b.conf:4: DOMAIN_NAME: *.a.example: a wildcard is proven by DNS only; set CHALLENGE_HOOK to a hook that does dns-01' \
	    'd/b.conf:4: DOMAIN_NAME: URI:urn:a: ACME has DNS names and IP addresses only; take it out' \
	    'd/b.conf:5: KEY_PATH: /var/lib/eca/store/b/key.pem: inside STORE_DIR /var/lib/eca/store; name a path elsewhere'
}

@test "agent-conf refuses one path for two certificates, of whatever protocol" {
	conf a CERT_PATH=/srv/x.pem KEY_PATH=/srv/public.crt
	est b CHAIN_PATH=//srv/./x.pem MINIO_CERTS_DIR=/srv
	conf c CERT_PATH=/srv/c KEY_PATH=/srv/c
	refused 'd/c.conf:6: KEY_PATH: /srv/c is CERT_PATH of d/c.conf already; name another path' \
	    'd/b.conf:6: MINIO_CERTS_DIR: /srv/public.crt is KEY_PATH of d/a.conf already; name another path' \
	    'd/b.conf:5: CHAIN_PATH: /srv/x.pem is CERT_PATH of d/a.conf already; name another path'
}

@test "agent-conf lets two certificates share a CRL, and a cache only with it" {
	conf a CRL_URL=http://ca/1
	conf b CRL_URL=http://ca/1
	conf c CRL_URL=http://ca/2
	sum=$(printf http://ca/1 | sha256sum)
	[ "$(value CRL_CACHE_PATH a)" = "/var/lib/eca/crl/${sum:0:16}.crl" ]
	[ "$(value CRL_CACHE_PATH b)" = "/var/lib/eca/crl/${sum:0:16}.crl" ]
	[ "$(value CRL_CACHE_PATH c)" != "/var/lib/eca/crl/${sum:0:16}.crl" ]
	echo CRL_CACHE_PATH=/srv/crl >d/defaults
	refused 'd/c.conf: CRL_CACHE_PATH: /srv/crl is CRL_CACHE_PATH of d/b.conf already, with another CRL_URL; name another file'
}

@test "agent-conf looks at the files, groups and programs its certificates name" {
	local me
	me=$(id -u)
	echo x >secret
	printf '#!/bin/sh\n' >plain
	conf a CERT_ROOT=/gone.pem "EAB_FILE=$PWD/secret" \
	    "PFX_PASSWORD_FILE=$PWD" "CHALLENGE_DIR=$PWD/www" \
	    GROUP=no-such-group "PROBE_COMMAND=$PWD/plain a" \
	    RELOAD_HOOK=no-such-hook
	ECA_HOOKS_DIR=$PWD/hooks
	mkdir hooks
	touch hooks/reload-a hooks/reload-b
	refused "d/a.conf:5: CERT_ROOT: /gone.pem: No such file or directory; user $me has to be able to read it" \
	    "d/a.conf:7: PFX_PASSWORD_FILE: $PWD: not a file; a regular file is needed" \
	    'd/a.conf:9: GROUP: no-such-group: no such group; groupadd, or name one of those that `getent group` shows' \
	    "d/a.conf:11: RELOAD_HOOK: no-such-hook: no such hook in $PWD/hooks; there are: reload-a, reload-b" \
	    "d/a.conf:10: PROBE_COMMAND: $PWD/plain: Permission denied; user $me has to be able to execute it" \
	    "d/a.conf:6: EAB_FILE: $PWD/secret: mode 0644, open to others; chmod 0600 or 0640" \
	    "d/a.conf:8: CHALLENGE_DIR: $PWD/www: No such file or directory; make it: mkdir -p"
	# those of the other protocol are for another user
	run -0 --separate-stderr agent-conf -c d est
	[ -z "$stderr" ]
	mkdir www
	chmod 600 secret
	chmod 777 plain
	conf a "EAB_FILE=$PWD/secret" "CHALLENGE_DIR=$PWD/www" GROUP="$(id -gn)" \
	    "PROBE_COMMAND=$PWD/plain  a"
	refused "d/a.conf:8: PROBE_COMMAND: $PWD/plain: mode 0777, others can write it; chmod go-w"
	chmod 755 plain
	[ "$(value PROBE_COMMAND a)" = "$PWD/plain a" ]
	# what the environment replaces does not have to be there
	conf a CERT_ROOT=/gone.pem
	[ "$(CERT_ROOT=$root value CERT_ROOT a)" = "$root" ]
}

@test "agent-conf lets a token be missing, but not open to others" {
	est a "BOOTSTRAP_TOKEN_FILE=$PWD/token"
	[ "$(value BOOTSTRAP_TOKEN_FILE a est)" = "$PWD/token" ]
	echo x >token
	run -2 --separate-stderr agent-conf -c d -f json est
	[ "$stderr" = "agent-conf: d/a.conf:5: BOOTSTRAP_TOKEN_FILE: $PWD/token: mode 0644, open to others; chmod 0600 or 0640" ]
	chmod 600 token
	run -0 agent-conf -c d -f json est
}

@test "agent-conf -n misses nothing that the certificate does without" {
	conf a
	conf b RELOAD_HOOK="$PWD/there"
	conf c RELOAD_HOOK=
	install -m 755 /dev/null there
	echo "RELOAD_HOOK=$PWD/none" >d/defaults
	missing="d/defaults:1: RELOAD_HOOK: $PWD/none: No such file or directory; user $(id -u) has to be able to execute it"
	refused "$missing"
	run -2 --separate-stderr agent-conf -c d -n a acme
	[ "$stderr" = "agent-conf: $missing" ]
	[ "$(value RELOAD_HOOK b)" = "$PWD/there" ]
	[ "$(value RELOAD_HOOK c)" = '' ]
	# and by the environment, where there is one certificate
	rm d/b.conf d/c.conf
	[ "$(RELOAD_HOOK=$PWD/there value RELOAD_HOOK a)" = "$PWD/there" ]
	run -2 agent-conf -c d -n a acme
	# it is looked at in the environment too
	RELOAD_HOOK=$PWD/none2 run -2 --separate-stderr \
	    agent-conf -c d -n a acme
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ $stderr == "agent-conf: environment: RELOAD_HOOK: $PWD/none2: "* ]]
}

@test "agent-conf finds the hooks that came with it" {
	conf a 'RELOAD_HOOK=one x'
	mkdir -p usr/bin usr/libexec/eca/hooks tree/bin tree/etc/hooks
	cp "$ECA_BIN/agent-conf" usr/bin
	cp "$ECA_BIN/agent-conf" tree/bin
	install -m 755 /dev/null usr/libexec/eca/hooks/one
	install -m 755 /dev/null tree/etc/hooks/one
	ln -s usr/bin/agent-conf link
	unset ECA_HOOKS_DIR
	run -0 ./link -c d -n a acme
	[[ $output == *"RELOAD_HOOK=$PWD/usr/libexec/eca/hooks/one x"* ]]
	run -0 tree/bin/agent-conf -c d -n a acme
	[[ $output == *"RELOAD_HOOK=$PWD/tree/etc/hooks/one x"* ]]
	export ECA_HOOKS_DIR=$ECA_ROOT/etc/hooks
	conf a CHALLENGE_HOOK=nsupdate
	[ "$(value CHALLENGE_HOOK a)" = "$ECA_ROOT/etc/hooks/nsupdate" ]
}

@test "agent-conf puts a path behind CA_URL only where one is meant" {
	conf a
	sed -i s,ca.example,ca.example/dir/, d/a.conf
	[ "$(value CA_URL a)" = https://ca.example/dir/ ]
	echo ACME_PROVISIONER=x >>d/a.conf
	[ "$(value CA_URL a)" = https://ca.example/dir ]
}

@test "agent-conf reads ten thousand certificates and not one more" {
	printf '%s\n' PROTOCOL=acme CA_URL=https://a "CA_ROOT=$root" >d/defaults
	seq -f DOMAIN_NAME=a%g 10000 |
	    split -l 1 -a 4 -d --additional-suffix=.conf - d/c
	run -0 --separate-stderr agent-conf -c d acme
	[ -z "$stderr" ]
	[ "$(agent-conf -c d -f json acme | wc -l)" -eq 10000 ]
	cp d/c0001.conf d/more.conf
	refused 'd: more than 10000 certificates; make a second directory for a second agent'
}

# placed FILE: with the paths of /etc, /srv and /var in this directory.
placed() {
	sed "s,\([=\"]\)/\(etc\|srv\|var\)/,\1$PWD/\2/," "$1"
}

@test "agent-conf takes the example that comes with it" {
	local f
	for f in "$ECA_ROOT"/etc/certs.d/*; do
		placed "$f" >"d/${f##*/}"
	done
	mkdir -p etc/eca
	cp "$root" etc/eca
	install -m 600 /dev/null etc/eca/pfx.password
	run -0 --separate-stderr agent-conf -c d -f json acme
	[ -z "$stderr" ]
	[ "$(jq -r '.name + " " + .DOMAIN_NAME' <<<"$output")" = \
	    'web www.example example' ]
	run -0 --separate-stderr agent-conf -c d -f json est
	[ -z "$stderr" ]
	[ "$(jq -r .name <<<"$output" | paste -sd' ')" = 'app device' ]
}

# entry KEY: what certs.d(5) says of it.
entry() {
	awk -v key="$1" '/^\.It / || /^\.El/ { on = $0 == ".It Ev " key; next } on' \
	    "$ECA_ROOT/man/certs.d.5" | tr '\n' ' '
}

@test "agent-conf has the keys of certs.d(5), with their ranges and defaults" {
	local key value range n=0
	diff <(keys | sort) \
	    <(sed -n 's/^\.It Ev \([A-Z_]*\)$/\1/p' "$ECA_ROOT/man/certs.d.5" |
		grep -v ^ECA_ | sort)
	mkdir etc srv var
	conf a
	est b
	{
		agent-conf -c d acme
		agent-conf -c d -n a acme
		agent-conf -c d -n b est
	} | grep -v "=$root\|=/var/lib/eca/\|^PROTOCOL\|^CA_URL\|^DOMAIN\|^SUBJECT" >good
	while IFS='=' read -r key value; do
		[[ $(entry "$key") == *"default $value"* ]] || {
			echo "$key: default $value is not in the page"
			false
		}
	done <good
	for key in $(keys); do
		echo "$key=?"
	done >d/defaults
	run -2 agent-conf -c d acme
	while read -r key range; do
		n=$((n + 1))
		[[ $(entry "$key") == *" $range; "* ]] || {
			echo "$key: $range is not in the page"
			false
		}
	done < <(sed -n 's/.*: \([A-Z_]*\): ?: a.* number from \([0-9. to]*\) is needed.*/\1 \2/p' \
	    <<<"$output")
	[ "$n" -eq 8 ]
}

@test "agent-conf takes the example of each key in certs.d(5)" {
	mkdir -p etc/eca var/www/html
	cp "$root" etc/eca/root.pem
	cp "$root" etc/eca/cert-root.pem
	install -m 600 /dev/null etc/eca/pfx.password
	install -m 600 /dev/null etc/eca/eab.json
	install -m 755 /dev/null etc/eca/probe
	install -m 755 /dev/null etc/eca/recover
	sed -n 's/^\.Dl //p' "$ECA_ROOT/man/certs.d.5" |
	    sed "s/^GROUP=.*/GROUP=$(id -gn)/" >examples
	diff <(keys | sort) <(cut -d= -f1 examples | sort)
	placed examples | grep -v '^CHALLENGE_LISTEN=\|^PROTOCOL=' >d/defaults
	echo PROTOCOL=acme >d/a.conf
	printf 'PROTOCOL=est\n%s=\n' CERT_PATH KEY_PATH CHAIN_PATH \
	    KEYCHAIN_PATH PFX_PATH MINIO_CERTS_DIR >d/b.conf
	sed -i '3,$s/^PROTOCOL=est$//' d/b.conf
	run -0 --separate-stderr agent-conf -c d acme
	[ -z "$stderr" ]
	run -0 --separate-stderr agent-conf -c d est
	[ -z "$stderr" ]
}

#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The directory ca-init makes, looked at with openssl; with a real step-ca in
# it: e2e-ca.bats.

load helper

setup_file() {
	export MADE=$BATS_FILE_TMPDIR/made
	mkdir "$MADE"
	ca-init -d "$MADE/ca" >"$MADE/out" 2>"$MADE/err"
}

setup() {
	cd "$MADE/ca" || return
	work=$BATS_TEST_TMPDIR/work
	mkdir "$work"
}

# nothing_in DIR: not even a hidden file.
nothing_in() {
	[ -z "$(ls -A "$1")" ] || { ls -lA "$1" >&2; return 1; }
}

# break_command COMMAND N: $BATS_TEST_TMPDIR/fake/COMMAND fails at its Nth call,
# or, with a "w" before N, waits a second there.
break_command() {
	local real
	real=$(command -v "$1")
	rm -rf "$BATS_TEST_TMPDIR/fake" "$BATS_TEST_TMPDIR/reached"
	mkdir "$BATS_TEST_TMPDIR/fake"
	cat >"$BATS_TEST_TMPDIR/fake/$1" <<-END
	#!/bin/sh
	echo >>"$BATS_TEST_TMPDIR/fake/calls"
	n=\$(wc -l <"$BATS_TEST_TMPDIR/fake/calls")
	if [ "\$n" -eq "${2#w}" ]; then
		echo x >"$BATS_TEST_TMPDIR/reached"
		case $2 in
		w*) sleep 1 ;;
		*) echo "$1: made to fail" >&2; exit 1 ;;
		esac
	fi
	exec "$real" "\$@"
	END
	chmod +x "$BATS_TEST_TMPDIR/fake/$1"
}

@test "ca-init keeps the contract of all commands" {
	run -0 contract ca-init
}

@test "ca-init prints one JSON object that says where everything is" {
	[ ! -s "$MADE/err" ]
	[ "$(wc -l <"$MADE/out")" -eq 1 ]
	run -0 jq -r 'to_entries[] | "\(.key) \(.value)"' "$MADE/out"
	sha256=$(openssl x509 -in certs/root_ca.crt -noout -fingerprint -sha256)
	sha256=$(tr -d : <<<"${sha256#*=}" | tr A-F a-f)
	kid=$(jq -r '.authority.provisioners[1].key.kid' config/ca.json)
	diff - <(echo "$output") <<-END
	dir $MADE/ca
	url https://localhost:4210
	port 4210
	acme_directory https://localhost:4210/acme/acme/directory
	config $MADE/ca/config/ca.json
	password_file $MADE/ca/secrets/password
	root $MADE/ca/certs/root_ca.crt
	root_sha256 $sha256
	root_crl $MADE/ca/certs/root_ca.crl
	intermediate $MADE/ca/certs/intermediate_ca.crt
	crl_url http://127.0.0.1:4211/crl/ca.crl
	jwk_key $MADE/ca/secrets/jwk.key
	jwk_kid $kid
	x5c_cert $MADE/ca/certs/x5c.crt
	x5c_key $MADE/ca/secrets/x5c.key
	END
}

@test "ca-init makes these files with these modes and nothing beside them" {
	run -0 find . -printf '%m %p\n'
	diff - <(sort -k2 <<<"$output") <<-'END'
	755 .
	755 ./certs
	644 ./certs/intermediate_ca.crt
	644 ./certs/root_ca.crl
	644 ./certs/root_ca.crt
	644 ./certs/x5c.crt
	644 ./certs/x5c_root.crt
	700 ./config
	600 ./config/ca.json
	700 ./db
	700 ./secrets
	600 ./secrets/intermediate_ca_key
	600 ./secrets/jwk.key
	600 ./secrets/password
	600 ./secrets/root_ca_key
	600 ./secrets/x5c.key
	600 ./secrets/x5c_root_key
	END
	run -0 ls -A "$MADE"
	[ "$output" = $'ca\nerr\nout' ]
}

@test "ca-init encrypts the keys of the CAs with a password of 256 bits" {
	[[ $(cat secrets/password) =~ ^[0-9a-f]{64}$ ]]
	for ca in root_ca intermediate_ca x5c_root; do
		run -0 head -n 1 "secrets/${ca}_key"
		[ "$output" = '-----BEGIN ENCRYPTED PRIVATE KEY-----' ]
		run -1 openssl pkey -in "secrets/${ca}_key" -passin pass:wrong \
		    -noout
		run -0 openssl pkey -in "secrets/${ca}_key" -pubout \
		    -passin file:secrets/password
		diff <(echo "$output") \
		    <(openssl x509 -in "certs/$ca.crt" -noout -pubkey)
	done
}

@test "ca-init leaves the provisioners' keys readable for their owner" {
	for key in x5c jwk; do
		run -0 openssl pkey -in "secrets/$key.key" -noout -text
		[[ $output == *'NIST CURVE: P-256'* ]]
	done
	diff <(openssl pkey -in secrets/x5c.key -pubout) \
	    <(openssl x509 -in certs/x5c.crt -noout -pubkey)
}

@test "ca-init makes new keys and a new password each time" {
	run -0 ca-init -d "$work/ca"
	for file in secrets/password secrets/jwk.key certs/root_ca.crt; do
		run -1 cmp -s "$file" "$work/ca/$file"
	done
}

# extensions CERT: those that the profile fixes, one a line.
extensions() {
	openssl x509 -in "$1" -noout \
	    -ext basicConstraints,keyUsage,extendedKeyUsage |
	    paste -sd ' ' | tr -s ' '
}

@test "ca-init gives each certificate its profile" {
	ca='X509v3 Basic Constraints: critical CA:TRUE, pathlen'
	run -0 extensions certs/root_ca.crt
	[ "$output" = "$ca:1 X509v3 Key Usage: critical Certificate Sign, CRL Sign" ]
	run -0 extensions certs/intermediate_ca.crt
	[ "$output" = "$ca:0 X509v3 Key Usage: critical Certificate Sign, CRL Sign" ]
	run -0 extensions certs/x5c_root.crt
	[ "$output" = "$ca:0 X509v3 Key Usage: critical Certificate Sign" ]
	run -0 extensions certs/x5c.crt
	[ "$output" = "X509v3 Basic Constraints: critical CA:FALSE\
 X509v3 Key Usage: critical Digital Signature\
 X509v3 Extended Key Usage: TLS Web Client Authentication" ]
	for cert in certs/*.crt; do
		run -0 openssl x509 -in "$cert" -noout -text
		[[ $output == *'X509v3 Subject Key Identifier'* ]]
		[[ $output == *'ecdsa-with-SHA256'*'NIST CURVE: P-256'* ]]
	done
}

@test "ca-init names its certificates after the CA" {
	for pair in 'root_ca=Root CA' 'intermediate_ca=Intermediate CA' \
	    'x5c_root=Provisioner Root CA' 'x5c=Provisioner'; do
		run -0 openssl x509 -in "certs/${pair%%=*}.crt" -noout -subject
		[ "$output" = "subject=O = Edge CA, CN = Edge CA ${pair#*=}" ]
	done
}

@test "ca-init makes an intermediate that verifies with the root's CRL" {
	run -0 openssl verify -x509_strict -crl_check -CAfile certs/root_ca.crt \
	    -CRLfile certs/root_ca.crl certs/intermediate_ca.crt
	run -2 openssl verify -CAfile certs/root_ca.crt certs/x5c.crt
	run -0 openssl verify -x509_strict -purpose sslclient \
	    -CAfile certs/x5c_root.crt certs/x5c.crt
}

@test "ca-init signs an empty CRL number 1 that lives as long as the root" {
	run -0 --separate-stderr openssl crl -in certs/root_ca.crl -noout \
	    -CAfile certs/root_ca.crt -text
	[ "$stderr" = 'verify OK' ]
	[[ $output == *'Authority Key Identifier'*'CRL Number:'*' 1'* ]]
	[[ $output == *'No Revoked Certificates.'* ]]
	next=$(openssl crl -in certs/root_ca.crl -noout -nextupdate)
	end=$(openssl x509 -in certs/root_ca.crt -noout -enddate)
	seconds=$(($(date -d "${end#*=}" +%s) - $(date -d "${next#*=}" +%s)))
	[ "${seconds#-}" -le 60 ]
}

@test "ca-init puts the public JWK in ca.json, its kid the thumbprint" {
	jwk=$(jq -c '.authority.provisioners[] | select(.type == "JWK") | .key' \
	    config/ca.json)
	run -0 jq -r '"\(.kty) \(.crv) \(.alg) \(.use) \(keys | join(","))"' \
	    <<<"$jwk"
	[ "$output" = 'EC P-256 ES256 sig alg,crv,kid,kty,use,x,y' ]
	b64='(gsub("-"; "+") | gsub("_"; "/")) + "="'
	point=04$(for xy in x y; do
		jq -r ".$xy | $b64" <<<"$jwk" | openssl base64 -d | od -An -v -tx1
	done | tr -d ' \n')
	run -0 openssl pkey -in secrets/jwk.key -noout -text_pub
	[[ $(tr -d ' :\n' <<<"$output") == *"pub:${point}"* ||
	    $(tr -d ' :\n' <<<"$output") == *"pub${point}"* ]]
	thumb=$(jq -cjS '{crv, kty, x, y}' <<<"$jwk" | openssl dgst -sha256 -binary |
	    openssl base64 | tr '+/' '-_' | tr -d =)
	[ "$(jq -r .kid <<<"$jwk")" = "$thumb" ]
}

@test "ca-init trusts only its own provisioner root for X5C" {
	jq -r '.authority.provisioners[] | select(.type == "X5C") | .roots' \
	    config/ca.json | openssl base64 -d -A >"$work/roots.pem"
	run -0 cmp "$work/roots.pem" certs/x5c_root.crt
}

@test "ca-init writes relative paths to ca.json, and these files are there" {
	for path in .root .crt .key; do
		file=$(jq -r "$path" config/ca.json)
		[[ $file != /* ]]
		[ -f "$file" ]
	done
	[ "$(jq -r .db.dataSource config/ca.json)" = db/step.db ]
}

@test "ca-init uses one CRL URL in the CRL and in every leaf template" {
	run -0 jq -r '.crl.idpURL, (.authority.provisioners[].options.x509.template |
	    capture("\"crlDistributionPoints\": \\[\"(?<url>[^\"]*)\"\\]").url)' \
	    config/ca.json
	[ "$(sort <<<"$output" | uniq -c | tr -s ' ')" = \
	    ' 4 http://127.0.0.1:4211/crl/ca.crl' ]
	run -0 jq -c .crl config/ca.json
	[[ $output == '{"enabled":true,"generateOnRevoke":true,'* ]]
}

@test "ca-init allows one minute to 48 hours, 24 hours by default" {
	run -0 jq -c .authority.claims config/ca.json
	[ "$output" = '{"minTLSCertDuration":"1m","defaultTLSCertDuration":"24h",'\
'"maxTLSCertDuration":"48h"}' ]
}

@test "ca-init -a, -D, -L, -M, -n and -u go where they belong" {
	run -0 --separate-stderr ca-init -d "$work/ca" -a '[::1]:4431' -D ::1 \
	    -D ca.example -L 90s -M 720h -n 'Plant 7' -u 'http://crl.example/a?b=c'
	run -0 jq -r '.url, .port, .acme_directory, .crl_url' <<<"$output"
	[ "$output" = 'https://[::1]:4431
4431
https://[::1]:4431/acme/acme/directory
http://crl.example/a?b=c' ]
	cd "$work/ca"
	run -0 jq -c '.address, .dnsNames, .commonName, .crl.idpURL' config/ca.json
	[ "$output" = '"[::1]:4431"
["::1","ca.example"]
"Plant 7"
"http://crl.example/a?b=c"' ]
	run -0 jq -r '.authority.claims | "\(.defaultTLSCertDuration) " +
	    .maxTLSCertDuration' config/ca.json
	[ "$output" = '90s 720h' ]
	run -0 openssl x509 -in certs/root_ca.crt -noout -subject
	[ "$output" = 'subject=O = Plant 7, CN = Plant 7 Root CA' ]
	run -0 grep -c 'crl.example/a?b=c\\"' config/ca.json
	[ "$output" = 3 ]
}

@test "ca-init -v shows each step on stderr" {
	run -0 --separate-stderr ca-init -v -d "$work/ca"
	run -0 jq -r .dir <<<"$output"
	[ "$output" = "$work/ca" ]
	diff - <(echo "$stderr") <<-END
	ca-init: secrets/root_ca_key: made
	ca-init: certs/root_ca.crt: made
	ca-init: secrets/intermediate_ca_key: made
	ca-init: certs/intermediate_ca.crt: made
	ca-init: certs/root_ca.crl: made
	ca-init: secrets/x5c_root_key: made
	ca-init: certs/x5c_root.crt: made
	ca-init: secrets/x5c.key: made
	ca-init: certs/x5c.crt: made
	ca-init: secrets/jwk.key: made
	ca-init: config/ca.json: made
	ca-init: $work/ca: made
	END
}

@test "ca-init makes the directory above when it is missing, but not two" {
	cd "$work"
	run -0 --separate-stderr ca-init -d demo/ca/
	[ "$(jq -r .root <<<"$output")" = "$work/demo/ca/certs/root_ca.crt" ]
	[ -f demo/ca/certs/root_ca.crt ]
	[ "$(ls -A . demo)" = $'.:\ndemo\n\ndemo:\nca' ]
	run -2 --separate-stderr ca-init -d a/b/ca
	[ "$stderr" = 'ca-init: a: no such directory' ]
	[ ! -e a ]
}

@test "ca-init takes directories with blanks and hyphens" {
	cd "$work"
	run -0 --separate-stderr ca-init -d '-a b/c #"d'
	[ "$(jq -r .root <<<"$output")" = "$work/-a b/c #\"d/certs/root_ca.crt" ]
	[ -f './-a b/c #"d/config/ca.json' ]
}

@test "ca-init does not touch what exists: a CA, a directory, a file, a link" {
	mkdir "$work/empty"
	echo data >"$work/file"
	ln -s nowhere "$work/link"
	for target in "$MADE/ca" "$work/empty" "$work/file" "$work/link"; do
		before=$(find "$target" -printf '%p %T@ %s\n' | sort)
		run -2 --separate-stderr ca-init -d "$target"
		[ -z "$output" ]
		[ "$stderr" = "ca-init: $target: exists already" ]
		[ "$before" = "$(find "$target" -printf '%p %T@ %s\n' | sort)" ]
	done
	run -2 --separate-stderr ca-init -d "$work/file/ca"
	[ "$stderr" = "ca-init: $work/file: no such directory" ]
	for target in / . "$work/.." "$work/a/.."; do
		run -2 --separate-stderr ca-init -d "$target"
		[ "$stderr" = "ca-init: $target: not a name for a new directory" ]
	done
	[ "$(ls -A "$work")" = $'empty\nfile\nlink' ]
}

@test "ca-init twice at once for one directory: one makes it, one fails" {
	cd "$work"
	for n in 1 2; do
		{
			ca-init -d ca >"out.$n" 2>"err.$n" 3>&- && rc=0 || rc=$?
			echo "$rc" >"rc.$n"
		} &
	done
	wait
	[ "$(sort rc.? | paste -sd ' ')" = '0 2' ]
	grep -q ': exists already$\|Directory not empty$' err.1 err.2
	[ "$(cat out.? | wc -l)" -eq 1 ]
	[ "$(jq -r .root_sha256 out.?)" = "$(openssl x509 -in ca/certs/root_ca.crt \
	    -outform DER | openssl dgst -sha256 -r | cut -d ' ' -f 1)" ]
	rm out.? err.? rc.?
	[ "$(ls -A . ca)" = $'.:\nca\n\nca:\ncerts\nconfig\ndb\nsecrets' ]
}

@test "ca-init refuses values out of range and says which" {
	cd "$work"
	while IFS='|' read -r opt value reason; do
		run -2 --separate-stderr ca-init -d ca "$opt" "$value"
		[ -z "$output" ]
		[ "$stderr" = "ca-init: $opt $value: $reason" ]
	done <<-'END'
	-L|59s|shorter than 1m
	-L|0m|not a lifetime such as 90s, 30m or 24h
	-L|010m|not a lifetime such as 90s, 30m or 24h
	-L|24|not a lifetime such as 90s, 30m or 24h
	-L|1d|not a lifetime such as 90s, 30m or 24h
	-L|-5m|not a lifetime such as 90s, 30m or 24h
	-L||not a lifetime such as 90s, 30m or 24h
	-L|99999999999999999999s|not a lifetime such as 90s, 30m or 24h
	-L|49h|longer than the maximum, -M 48h
	-M|87601h|longer than the CA lives (3650 days)
	-M|90x|not a lifetime such as 90s, 30m or 24h
	-a|4210|not an address:port
	-a|localhost:|not an address:port
	-a|localhost:0|not an address:port
	-a|localhost:65536|not an address:port
	-a|localhost:http|not an address:port
	-a|::1:4210|not an address:port
	-a|a b:4210|not a usable value
	-D||not a usable value
	-D|a b|not a usable value
	-D|a/b|not a usable value
	-n||not a usable value
	-n|a/CN=b|not a usable value
	-n|12345678901234567890123456789012345678901|longer than 40 characters
	-u|ftp://a.example/ca.crl|not an http URL
	-u|http://|not an http URL
	-u|http://a.example/{{.}}|not a usable value
	-u|http://a.example/"|not a usable value
	END
	run -2 --separate-stderr ca-init -d ca -n $'a\nb\033'
	[ "$stderr" = 'ca-init: -n a?b?: not a usable value' ]
	run -2 --separate-stderr ca-init -d ca -M 1h
	[ "$stderr" = 'ca-init: -L 24h: longer than the maximum, -M 1h' ]
	nothing_in .
}

@test "ca-init without -d or with an empty one is a usage error" {
	for args in '' '-d'; do
		run -2 --separate-stderr ca-init $args
		[ "$stderr" = 'usage: ca-init [-v] [-a address] [-D name]'\
' [-L lifetime] [-M maximum] [-n name] [-u url] -d dir' ]
	done
	run -2 --separate-stderr ca-init -d ''
	[[ $stderr == 'usage: ca-init '* ]]
}

@test "ca-init says when it cannot make anything there" {
	run -2 --separate-stderr ca-init -d /proc/ca
	[ "$stderr" = 'ca-init: /proc/.ca-init.XXXXXX: cannot make a directory' ]
}

@test "ca-init names a command that is missing" {
	mkdir "$work/few"
	for cmd in sh dirname readlink tr openssl basename; do
		ln -s "$(command -v "$cmd")" "$work/few/$cmd"
	done
	run -2 --separate-stderr env "PATH=$work/few" \
	    "$(command -v ca-init)" -d "$work/ca"
	[ "$stderr" = 'ca-init: jq: command not found' ]
	[ ! -e "$work/ca" ]
}

@test "ca-init leaves nothing behind when a command fails, early or late" {
	cd "$work"
	while read -r cmd calls; do
		for n in $calls; do
			break_command "$cmd" "$n"
			run -2 --separate-stderr \
			    env "PATH=$BATS_TEST_TMPDIR/fake:$PATH" \
			    ca-init -d demo/ca
			[ -s "$BATS_TEST_TMPDIR/reached" ]
			[ -z "$output" ]
			[[ $stderr == *'ca-init: '* ]]
			nothing_in .
		done
	done <<-'END'
	mktemp 1
	mkdir 1 2
	openssl 1 3 6 13 14 18
	jq 1 2
	chmod 2
	find 1
	mv 1
	sync 2
	END
}

@test "ca-init that loses its stdout fails and leaves nothing behind" {
	cd "$work"
	run -2 sh -c 'ca-init -d demo/ca >/dev/full'
	[ "$output" = 'ca-init: stdout: cannot write' ]
	run -2 sh -c 'ca-init -d demo/ca >&-'
	[ "$output" = 'ca-init: stdout: cannot write' ]
	run -0 sh -c '{ ca-init -d demo/ca; echo $? >&2; } | :'
	[ "$output" = $'ca-init: stdout: cannot write\n2' ]
	nothing_in .
}

@test "ca-init ended by HUP, INT or TERM leaves nothing behind" {
	cd "$work"
	for signal in HUP=129 INT=130 TERM=143; do
		break_command openssl w5
		env --default-signal=INT "PATH=$BATS_TEST_TMPDIR/fake:$PATH" \
		    ca-init -d demo/ca >/dev/null 3>&- &
		pid=$!
		wait_file "$BATS_TEST_TMPDIR/reached"
		[ -n "$(ls -A)" ]
		kill -s "${signal%=*}" "$pid"
		rc=0
		wait "$pid" || rc=$?
		[ "$rc" -eq "${signal#*=}" ]
		nothing_in .
	done
}

@test "ca-init does the same under dash and busybox sh" {
	require dash busybox
	script=$(command -v ca-init)
	for shell in dash 'busybox sh'; do
		read -ra shell <<<"$shell"
		run -0 --separate-stderr "${shell[@]}" "$script" -d "$work/ca"
		[ -z "$stderr" ]
		[ "$(jq -r .port <<<"$output")" = 4210 ]
		run -0 openssl verify -crl_check -CAfile "$work/ca/certs/root_ca.crt" \
		    -CRLfile "$work/ca/certs/root_ca.crl" \
		    "$work/ca/certs/intermediate_ca.crt"
		run -2 --separate-stderr "${shell[@]}" "$script" -d "$work/ca"
		[ "$stderr" = "ca-init: $work/ca: exists already" ]
		run -2 sh -c '"$@" >/dev/full' sh "${shell[@]}" "$script" \
		    -d "$work/b"
		[ "$output" = 'ca-init: stdout: cannot write' ]
		[ ! -e "$work/b" ]
		rm -r "$work/ca"
	done
}

@test "ca-init does the same with the commands of busybox" {
	require busybox
	mkdir "$work/bb"
	busybox --install -s "$work/bb"
	for cmd in openssl jq; do
		ln -sf "$(command -v "$cmd")" "$work/bb/$cmd"
	done
	run -0 --separate-stderr env "PATH=$work/bb" "$work/bb/sh" \
	    "$(command -v ca-init)" -d "$work/demo/ca"
	[ -z "$stderr" ]
	[ "$(jq -r .dir <<<"$output")" = "$work/demo/ca" ]
	run -0 stat -c '%a %n' "$work/demo/ca" "$work/demo/ca/secrets/jwk.key"
	[ "$output" = "755 $work/demo/ca
600 $work/demo/ca/secrets/jwk.key" ]
	run -2 --separate-stderr env "PATH=$work/bb" "$work/bb/sh" \
	    "$(command -v ca-init)" -d "$work/demo/ca"
	[ "$(ls -A "$work")" = $'bb\ndemo' ]
}

@test "ca-init called by its path needs no PATH of its own" {
	run -0 --separate-stderr env PATH=/usr/bin:/bin \
	    "$(command -v ca-init)" -d "$work/ca"
	[ -z "$stderr" ]
}

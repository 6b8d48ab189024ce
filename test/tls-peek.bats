#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# tls-peek against openssl s_server and against servers that misbehave.

load helper

setup_file() {
	export CERTS=$BATS_FILE_TMPDIR
	mkdir "$CERTS/db"
	cp "$CA"/{root,int,a.example}.{key,pem} "$CERTS"
	cp "$CA/a.example.chain.pem" "$CERTS"
	make_cert "$CERTS" old san=DNS:a.example from=2020-01-01 to=2020-02-01
	make_cert "$CERTS" cnonly subject=/CN=a.example
	make_cert "$CERTS" wild 'san=DNS:*.a.example,DNS:w*.b.example'
	make_cert "$CERTS" client san=DNS:client.example
	make_cert "$CERTS" revoked san=DNS:client.example
	make_cert "$CERTS" other issuer=self san=DNS:client.example
}

setup() { cd "$BATS_TEST_TMPDIR" || return; }
teardown() { stop_bg; }

# serve CERT [OPTIONS]: $CERTS/CERT.pem and the intermediate on
# 127.0.0.1:$port, by openssl.
serve() {
	port=$(free_port)
	start_bg openssl s_server -accept "127.0.0.1:$port" -www \
	    -cert "$CERTS/$1.pem" -key "$CERTS/$1.key" \
	    -cert_chain "$CERTS/int.pem" "${@:2}"
	wait_port "$port"
}

# listener PERL: for each connection to 127.0.0.1:$port, which is $c.
listener() {
	port=$(free_port)
	start_bg perl -MIO::Socket::INET -e '
		$| = 1;
		$s = IO::Socket::INET->new(Listen => 9, ReuseAddr => 1,
		    LocalAddr => "127.0.0.1", LocalPort => $ARGV[0]) or die;
		while ($c = $s->accept) { eval $ARGV[1]; close $c }' "$port" "$1"
	wait_port "$port"
}

# relay PERL: on 127.0.0.1:$port, in front of the server there.  What both say
# until the server waits for the end of the handshake goes through.  Then PERL
# does what it likes, with the client ($c), the server ($t) and what the client
# said last, its certificate and goodbye ($_).
relay() {
	local to=$port
	# shellcheck disable=SC2016	# for perl
	listener 'sub all {
			my ($from, $all) = (shift, "");
			my $bits = "";
			vec($bits, fileno $from, 1) = 1;
			while (select my $r = $bits, undef, undef,
			    $all eq "" ? 5 : 0.3) {
				sysread $from, $all, 9999, length $all or last;
			}
			$all;
		}
		$SIG{PIPE} = "IGNORE";
		$t = IO::Socket::INET->new("127.0.0.1:'"$to"'") or die;
		syswrite $t, all($c);
		syswrite $c, all($t);
		$_ = all($c);'"$1"'; close $t'
}

# says CODE LINE ARGS...: exit CODE with that one line, nothing on stdout.
says() {
	run "-$1" --separate-stderr tls-peek "${@:3}"
	[ -z "$output" ]
	[ "$stderr" = "tls-peek: $2" ] || { echo "$stderr"; return 1; }
}

@test "tls-peek: keeps the contract of all commands" {
	contract tls-peek
}

@test "tls-peek: prints the chain as the server sent it, leaf first" {
	serve a.example
	run -0 --separate-stderr tls-peek "127.0.0.1:$port"
	[ -z "$stderr" ]
	[ "$output" = "$(cat "$CERTS/a.example.chain.pem")" ]
}

@test "tls-peek: with TLS 1.2 too, and not with less" {
	serve a.example -tls1_2
	run -0 tls-peek -A "$CA/root.pem" "127.0.0.1:$port"
	[ "$output" = "$(cat "$CERTS/a.example.chain.pem")" ]
	stop_bg
	serve a.example -tls1_1 -cipher DEFAULT@SECLEVEL=0
	says 2 "127.0.0.1:$port: refused by the server: alert protocol version" \
	    "127.0.0.1:$port"
}

@test "tls-peek: -A wants the chain to end there" {
	serve a.example
	run -0 tls-peek -A "$CA/root.pem" "127.0.0.1:$port"
	[ "$output" = "$(cat "$CERTS/a.example.chain.pem")" ]
	run -0 tls-peek -A - "127.0.0.1:$port" <"$CA/root.pem"
	make_cert . other issuer=self
	says 1 "127.0.0.1:$port: the chain does not verify: unable to get local issuer certificate" \
	    -A other.pem "127.0.0.1:$port"
}

@test "tls-peek: an anchor of -A need not be a root" {
	serve a.example
	run -0 tls-peek -A "$CA/int.pem" "127.0.0.1:$port"
	run -0 tls-peek -A "$CERTS/a.example.pem" "127.0.0.1:$port"
	cat "$CERTS/cnonly.pem" "$CA/root.pem" >two.pem
	run -0 tls-peek -A two.pem "127.0.0.1:$port"
	says 1 "127.0.0.1:$port: the chain does not verify: unable to get local issuer certificate" \
	    -A "$CERTS/cnonly.pem" "127.0.0.1:$port"
}

@test "tls-peek: an expired certificate is shown, but not with -A" {
	serve old
	run -0 tls-peek -n a.example "127.0.0.1:$port"
	[ "$output" = "$(cat "$CERTS/old.chain.pem")" ]
	says 1 "127.0.0.1:$port: the chain does not verify: certificate has expired" \
	    -A "$CA/root.pem" -n a.example "127.0.0.1:$port"
}

@test "tls-peek: the system's roots and SSL_CERT_FILE do not count" {
	serve a.example
	make_cert . other issuer=self
	SSL_CERT_FILE=$CA/root.pem SSL_CERT_DIR=$CA says 1 \
	    "127.0.0.1:$port: the chain does not verify: unable to get local issuer certificate" \
	    -A other.pem "127.0.0.1:$port"
}

@test "tls-peek: with -A the host must be among the names" {
	serve a.example
	run -0 tls-peek -A "$CA/root.pem" -n a.example "127.0.0.1:$port"
	run -0 tls-peek -A "$CA/root.pem" -n A.Example "127.0.0.1:$port"
	run -0 tls-peek -A "$CA/root.pem" "127.0.0.1:$port"
	says 1 "127.0.0.1:$port: the chain does not verify: hostname mismatch" \
	    -A "$CA/root.pem" -n b.example "127.0.0.1:$port"
	says 1 "127.0.0.1:$port: the chain does not verify: IP address mismatch" \
	    -A "$CA/root.pem" -n 127.0.0.2 "127.0.0.1:$port"
	says 1 "localhost:$port: the chain does not verify: hostname mismatch" \
	    -A "$CA/root.pem" "localhost:$port"
}

@test "tls-peek: a common name is no name" {
	serve cnonly
	says 1 "127.0.0.1:$port: the chain does not verify: hostname mismatch" \
	    -A "$CA/root.pem" -n a.example "127.0.0.1:$port"
}

@test "tls-peek: a wildcard is one whole label" {
	serve wild
	run -0 tls-peek -A "$CA/root.pem" -n x.a.example "127.0.0.1:$port"
	local name
	for name in a.example x.y.a.example www.b.example; do
		says 1 "127.0.0.1:$port: the chain does not verify: hostname mismatch" \
		    -A "$CA/root.pem" -n "$name" "127.0.0.1:$port"
	done
}

@test "tls-peek: asks for the name, not for an address" {
	serve a.example -servername wild.test -servername_fatal \
	    -cert2 "$CERTS/wild.pem" -key2 "$CERTS/wild.key"
	run -0 tls-peek -n wild.test "127.0.0.1:$port"
	[ "${lines[1]}" = "$(sed -n 2p "$CERTS/wild.pem")" ]
	run -0 tls-peek "127.0.0.1:$port"
	[ "${lines[1]}" = "$(sed -n 2p "$CERTS/a.example.pem")" ]
	run -0 tls-peek -n 127.0.0.1 "127.0.0.1:$port"
	says 2 "localhost:$port: refused by the server: alert unrecognized name" \
	    "localhost:$port"
}

@test "tls-peek: -c and -k are our own certificate" {
	serve a.example -tls1_2 -Verify 2 -verify_return_error \
	    -CAfile "$CA/root.pem"
	run -0 tls-peek -A "$CA/root.pem" -c "$CERTS/client.chain.pem" \
	    -k "$CERTS/client.key" "127.0.0.1:$port"
	[ "$output" = "$(cat "$CERTS/a.example.chain.pem")" ]
	says 2 "127.0.0.1:$port: refused by the server: alert handshake failure" \
	    "127.0.0.1:$port"
	says 2 "127.0.0.1:$port: refused by the server: alert certificate expired" \
	    -c "$CERTS/old.chain.pem" -k "$CERTS/old.key" "127.0.0.1:$port"
}

@test "tls-peek: TLS 1.3 has shown the chain before it asks for ours" {
	serve a.example -tls1_3 -Verify 2 -verify_return_error \
	    -CAfile "$CA/root.pem"
	run -0 --separate-stderr tls-peek "127.0.0.1:$port"
	[ "$output" = "$(cat "$CERTS/a.example.chain.pem")" ]
	[ -z "$stderr" ]
	run -0 tls-peek -c "$CERTS/client.chain.pem" -k "$CERTS/client.key" \
	    "127.0.0.1:$port"
}

# tells_apart PROTOCOL: whom s_server takes, and whom it does not.
tells_apart() {
	local name
	local chain=$CERTS/a.example.chain.pem
	make_crl "$CERTS" int ca.crl revoke="$CERTS/revoked.pem"
	serve a.example "$1" -Verify 2 -verify_return_error \
	    -CAfile "$CA/root.pem" -crl_check -CRL ca.crl
	run -0 --separate-stderr tls-peek -A "$CA/root.pem" \
	    -c "$CERTS/client.chain.pem" -k "$CERTS/client.key" \
	    "127.0.0.1:$port"
	[ "$output" = "$(<"$chain")" ]
	[ -z "$stderr" ]
	for name in 'old:certificate expired' 'revoked:certificate revoked' \
	    'other:unknown CA'; do
		says 2 "127.0.0.1:$port: refused by the server: alert ${name#*:}" \
		    -c "$CERTS/${name%:*}.chain.pem" \
		    -k "$CERTS/${name%:*}.key" "127.0.0.1:$port"
	done
}

@test "tls-peek: -c with TLS 1.2: the server takes the certificate or does not" {
	tells_apart -tls1_2
}

@test "tls-peek: -c with TLS 1.3: the server takes the certificate or does not" {
	tells_apart -tls1_3
}

@test "tls-peek: -c: a refusal is seen each time, at once" {
	serve a.example -tls1_3 -Verify 2 -verify_return_error \
	    -CAfile "$CA/root.pem"
	SECONDS=0
	for _ in {1..50}; do
		run -2 tls-peek -c "$CERTS/old.chain.pem" \
		    -k "$CERTS/old.key" "127.0.0.1:$port"
	done
	[ "$SECONDS" -le 10 ]
}

@test "tls-peek: -c: a server that does not ask for a certificate has no objection" {
	serve a.example
	run -0 tls-peek -c "$CERTS/client.chain.pem" -k "$CERTS/client.key" \
	    "127.0.0.1:$port"
	[ "$output" = "$(<"$CERTS/a.example.chain.pem")" ]
}

@test "tls-peek: -c: a server that hangs up without a word has no objection" {
	local end
	for end in 1 'setsockopt $c, SOL_SOCKET, SO_LINGER, pack "ii", 1, 0'; do
		serve a.example -tls1_3
		relay "use Socket; $end"
		run -0 --separate-stderr tls-peek -c "$CERTS/client.chain.pem" \
		    -k "$CERTS/client.key" "127.0.0.1:$port"
		[ "$output" = "$(<"$CERTS/a.example.chain.pem")" ]
		[ -z "$stderr" ]
		stop_bg
	done
}

@test "tls-peek: -c: a server that talks on has no objection" {
	port=$(free_port)
	mkfifo say
	start_bg sh -c 'exec "$@" <>say' sh openssl s_server -tls1_3 \
	    -accept "127.0.0.1:$port" -cert "$CERTS/a.example.pem" \
	    -key "$CERTS/a.example.key"
	wait_port "$port"
	# the goodbye, which is 19 bytes long, does not get there
	relay 's/\x17\x03\x03\x00\x13.{19}\z//s or die; syswrite $t, $_;
		open my $say, ">", "say" or die; syswrite $say, "h";
		syswrite $c, all($t); sleep 20'
	SECONDS=0
	run -0 --separate-stderr tls-peek -m 9 -c "$CERTS/client.chain.pem" \
	    -k "$CERTS/client.key" "127.0.0.1:$port"
	[ "$output" = "$(<"$CERTS/a.example.pem")" ]
	[ -z "$stderr" ]
	[ "$SECONDS" -le 6 ]
}

@test "tls-peek: -c: a server that says nothing to it ends at the deadline" {
	serve a.example -tls1_3
	relay 'sleep 20'
	SECONDS=0
	says 75 "127.0.0.1:$port: no answer within 2 seconds" -m 2 \
	    -c "$CERTS/client.chain.pem" -k "$CERTS/client.key" \
	    "127.0.0.1:$port"
	[ "$SECONDS" -le 4 ]
}

@test "tls-peek: -c: noise after the handshake is an error" {
	serve a.example -tls1_3
	# an alert that anybody could have made, and a record that nobody did
	relay 'syswrite $c, $i++ ? "\x17\x03\x03\x00\x20" . "x" x 32 :
		"\x15\x03\x03\x00\x02\x02\x2a"; all($c)'
	for _ in 1 2; do
		run -2 --separate-stderr tls-peek -c "$CERTS/client.chain.pem" \
		    -k "$CERTS/client.key" "127.0.0.1:$port"
		[ -z "$output" ]
		[[ $stderr == "tls-peek: 127.0.0.1:$port: "* ]]
		[ "${#stderr_lines[@]}" -eq 1 ]
	done
}

@test "tls-peek: one file may hold certificate and key" {
	(umask 077; cat "$CERTS/client.key" "$CERTS/client.chain.pem" >both.pem)
	serve a.example -tls1_2 -Verify 2 -verify_return_error \
	    -CAfile "$CA/root.pem"
	run -0 tls-peek -c both.pem -k both.pem "127.0.0.1:$port"
}

@test "tls-peek: a key that cannot be used is refused before it connects" {
	says 2 "$CERTS/old.key: not the key of $CERTS/client.pem" \
	    -c "$CERTS/client.pem" -k "$CERTS/old.key" 127.0.0.1:9
	cp "$CERTS/client.key" open.key
	chmod 0644 open.key
	run -2 --separate-stderr tls-peek -c "$CERTS/client.pem" -k open.key \
	    127.0.0.1:9
	[[ $stderr == "tls-peek: open.key: mode 0644: "* ]]
	says 2 "$CERTS/client.key: no certificate in PEM form found" \
	    -c "$CERTS/client.key" -k "$CERTS/client.key" 127.0.0.1:9
}

@test "tls-peek: anchors that cannot be used are refused before it connects" {
	: >empty
	says 2 "empty: no certificate in PEM form found" -A empty 127.0.0.1:9
	says 2 "$CERTS/client.key: a block \"PRIVATE KEY\" where only certificates are allowed" \
	    -A "$CERTS/client.key" 127.0.0.1:9
}

@test "tls-peek: usage" {
	local words
	for words in '' 'a:1 b:2' '-c cert a:1' '-k key a:1' \
	    '-A - -c - -k key a:1' '-c - -k - a:1' '-x a:1' '-n'; do
		# shellcheck disable=SC2086
		run -2 --separate-stderr tls-peek $words
		[ -z "$output" ]
		[ "$stderr" = "usage: tls-peek [-Vv] [-A file] [-c cert -k key] [-m sec] [-n name] host:port" ]
	done
}

@test "tls-peek: operands that are no host and port" {
	local word
	for word in localhost localhost: localhost:0 localhost:65536 \
	    localhost:https localhost:44a localhost:-1 ''; do
		says 2 "$word: not host:port" "$word"
	done
	says 2 ":443: no host" :443
	says 2 "[]:443: no host" '[]:443'
	says 2 "::1:443: an IPv6 address goes in brackets" ::1:443
	says 2 "$(printf 'a\\x1b:x'): not host:port" "$(printf 'a\033:x')"
}

@test "tls-peek: names that are none" {
	local word
	for word in .example '*.example' 'a b' a/b "$(printf 'é')"; do
		run -2 --separate-stderr tls-peek -n "$word" 127.0.0.1:9
		[[ $stderr == "tls-peek: "*": neither a host name nor an IP address" ]]
	done
	run -2 tls-peek -n '' 127.0.0.1:9
	run -2 tls-peek -n "$(printf 'a%.0s' {1..254})" 127.0.0.1:9
}

@test "tls-peek: -m out of range" {
	says 2 "-m 0: not a whole number between 1 and 3600" -m 0 127.0.0.1:9
	says 2 "-m 3601: not a whole number between 1 and 3600" -m 3601 a:1
	says 2 "-m 1s: not a whole number between 1 and 3600" -m 1s a:1
}

@test "tls-peek: nobody there is temporary" {
	port=$(free_port)
	says 75 "127.0.0.1:$port: Connection refused" "127.0.0.1:$port"
	run -75 --separate-stderr tls-peek -m 5 nobody.invalid:443
	[ -z "$output" ]
	[[ $stderr == "tls-peek: nobody.invalid:443: "* ]]
}

@test "tls-peek: a server that says nothing ends at the deadline" {
	listener 'sleep 20'
	SECONDS=0
	says 75 "127.0.0.1:$port: no answer within 1 seconds" -m 1 \
	    "127.0.0.1:$port"
	[ "$SECONDS" -le 3 ]
}

@test "tls-peek: a server that drips ends at the deadline" {
	listener 'while (syswrite $c, "\026\003\003\100\000\002") { sleep 1 }'
	says 75 "127.0.0.1:$port: no answer within 2 seconds" -m 2 \
	    "127.0.0.1:$port"
}

@test "tls-peek: the deadline holds though ALRM is ignored" {
	listener 'sleep 20'
	run -75 timeout 5 sh -c 'trap "" ALRM; exec tls-peek -m 1 "$1"' sh \
	    "127.0.0.1:$port"
}

@test "tls-peek: a server that hangs up is temporary" {
	listener '0'
	run -75 --separate-stderr tls-peek "127.0.0.1:$port"
	[ -z "$output" ]
	[[ $stderr == "tls-peek: 127.0.0.1:$port: connection lost in the handshake: "* ]]
}

@test "tls-peek: a server that speaks no TLS is an error" {
	listener 'syswrite $c, "SSH-2.0-x\r\n"; sysread $c, $_, 9999; sleep 1'
	says 2 "127.0.0.1:$port: wrong version number" "127.0.0.1:$port"
}

@test "tls-peek: noise for an answer is an error, not a crash" {
	local seed rc
	for seed in {1..6}; do
		# the records look good, the handshake messages in them do not
		listener "srand $seed;"'
			sysread $c, $_, 9999;
			$m = join "", map { chr rand 256 } 1 .. 300;
			substr($m, 0, 4) = "\002\000\001\050" if rand 2 < 1;
			syswrite $c, "\026\003\003\001\054$m" x 9;'
		rc=0
		tls-peek -m 5 "127.0.0.1:$port" >out 2>err || rc=$?
		[ "$rc" -eq 2 ] || [ "$rc" -eq 75 ]
		[ ! -s out ]
		[ "$(wc -l <err)" -eq 1 ]
		stop_bg
	done
}

@test "tls-peek: tries all addresses of a host" {
	serve a.example
	printf '127.0.0.2 two.example\n127.0.0.1 two.example\n' >hosts
	# shellcheck disable=SC2016	# for the inner shell
	run -0 --separate-stderr unshare -rm sh -c '
		mount --bind hosts /etc/hosts && exec "$@"' sh \
	    tls-peek -v "two.example:$port"
	assert_stderr_line "tls-peek: two.example:$port: 127.0.0.1: connected"
}

@test "tls-peek: an IPv6 address in brackets" {
	grep -q . /proc/net/if_inet6 || skip 'no IPv6 here'
	make_cert "$CERTS" six san=IP:::1
	port=$(free_port)
	start_bg openssl s_server -accept "[::1]:$port" -www \
	    -cert "$CERTS/six.pem" -key "$CERTS/six.key" \
	    -cert_chain "$CERTS/int.pem"
	wait_port "$port"
	run -0 tls-peek -A "$CA/root.pem" "[::1]:$port"
	[ "$output" = "$(cat "$CERTS/six.chain.pem")" ]
}

@test "tls-peek: -v says who answered and what was agreed on" {
	serve a.example -tls1_3 -ciphersuites TLS_AES_128_GCM_SHA256
	run -0 --separate-stderr tls-peek -v "127.0.0.1:$port"
	[ "$output" = "$(cat "$CERTS/a.example.chain.pem")" ]
	assert_stderr_line "tls-peek: 127.0.0.1:$port: 127.0.0.1: connected"
	assert_stderr_line "tls-peek: 127.0.0.1:$port: TLSv1.3, TLS_AES_128_GCM_SHA256"
	[ "${#stderr_lines[@]}" -eq 2 ]
}

@test "tls-peek: a lost stdout is an error" {
	serve a.example
	run -2 sh -c 'tls-peek "$1" >/dev/full' sh "127.0.0.1:$port"
	[[ $output == "tls-peek: stdout: "* ]]
	run -2 sh -c 'tls-peek "$1" >&-' sh "127.0.0.1:$port"
	mkfifo pipe
	: <pipe 3>&- &
	run -2 sh -c 'tls-peek "$1" >pipe' sh "127.0.0.1:$port"
}

@test "tls-peek: the server sees a clean end" {
	serve a.example -state
	run -0 tls-peek "127.0.0.1:$port"
	run -0 tls-peek -A "$CA/root.pem" "127.0.0.1:$port"
	run -0 tls-peek -c "$CERTS/client.chain.pem" -k "$CERTS/client.key" \
	    "127.0.0.1:$port"
	wait_line bg.0.log 'SSL3 alert read:warning:close notify'
	run -1 grep -i 'error:' bg.0.log
}

@test "tls-peek: into cert-expiry" {
	serve a.example
	tls-peek -A "$CA/root.pem" "127.0.0.1:$port" >chain.pem
	run -0 cert-expiry -t 33 chain.pem
	[ "${#lines[@]}" -eq 2 ]
}

#!/usr/bin/env bash
# SPDX-License-Identifier: ISC
# The contract every command keeps, one row a command.  Run as a program it
# checks all rows (or those of the commands named) and writes TAP; loaded by a
# bats file it gives `contract NAME`.
#
#   row NAME  -g ARGS  a good call: exit 0, nothing on stderr; lost stdout is 2
#             -i FILE  which reads FILE from stdin: nothing, noise and more
#                      than the cap (-c BYTES, 1 MiB) are bad input
#             -n       the good call needs a server: only bad input is tried
#             -a       any bytes are good input, only nothing is not
#             -q       the good call writes nothing to stdout
#             -d       two good calls write the same bytes
#             -f ARGS  @ stands for a file that is missing: 2, and it is named
#             -m ARGS  something required is missing: usage
#             -s ARGS  one operand too many: usage
#             -2 ARGS  stdin is asked for twice: usage
#             -o       knows -o: a call that fails leaves no such file
#
# -f, -m, -s and -2 may be given many times.  ARGS are split at blanks and run
# in a directory with root.pem, a.example.{key,pem,chain.pem}, ed.key, req.pem,
# ott, allow.txt, ca.crl, certs.d.
# Every failure is one line on stderr and nothing on stdout.

rows() {
	local now
	now=$(date +%s)
	row mkkey -g '-t P-256' -s surplus -m -t -o
	row mkcsr -g '-k - -d a.example' -i ed.key -d -m '-d a.example' \
	    -s '-k ed.key -d a.example surplus' -2 '-k - -x -' \
	    -2 '-k ed.key -Q - -x -' -f '-k @ -d a.example' \
	    -f '-k ed.key -x @' -f '-k ed.key -d a.example -Q @'
	row cert-expiry -g "-T $now -s 0" -i a.example.chain.pem -d \
	    -c 67108864 -m -T -s 'a.example.pem surplus' -f @
	row cert-plan -g "-c . -f lines -T $now est" -d -m '' -m '-c .' \
	    -m '-c . both' -m '-f xml est' -s '-c . est surplus' -f '-c @ est'
	row cert-verify -g "-B root.pem -n a.example -T $now" -d \
	    -i a.example.chain.pem -s 'a.example.pem surplus' -2 '-B - -' \
	    -f '-B @' -f '-B root.pem @' -f '-k @ a.example.pem'
	row clock-check -g '-u https://127.0.0.1:9 -A root.pem' -n \
	    -m '-A root.pem' -m '-u https://127.0.0.1:9' -m '-A' \
	    -s '-u https://127.0.0.1:9 -A root.pem surplus' \
	    -f '-u https://127.0.0.1:9 -A @'
	row crl-check -g "-B root.pem -R ca.crl -T $now" -d \
	    -i a.example.chain.pem -c 67108864 -m '-B root.pem' -m '-R ca.crl' \
	    -s '-B root.pem -R ca.crl a.example.pem surplus' \
	    -2 '-B - -R ca.crl' -2 '-B root.pem -R - -' \
	    -f '-B @ -R ca.crl a.example.pem' -f '-B root.pem -R ca.crl @'
	local acme='-u https://127.0.0.1:9/dir -A root.pem -w .'
	row acme-order -g "$acme -a a.example.key" -i req.pem -n \
	    -m '-A root.pem -a ed.key -w .' -m "$acme" -m '-A' \
	    -s "$acme -a ed.key req.pem surplus" \
	    -f "$acme -a ed.key -A @" -f "$acme -a ed.key @"
	acme='-u https://127.0.0.1:9/dir -A root.pem'
	row acme-account -g "$acme -a ed.key show" -n -m "$acme show" \
	    -m "$acme -a ed.key" -m '-A' -s "$acme -a ed.key show surplus" \
	    -f "$acme -a @ show" -f '-u https://127.0.0.1:9/dir -A @ -a ed.key show'
	row acme-revoke -g "$acme -k a.example.key" -i a.example.pem -n \
	    -m "$acme" -m '-A root.pem -k ed.key' -m '-A' \
	    -s "$acme -k ed.key a.example.pem surplus" \
	    -f "$acme -k ed.key @" -f "$acme -k @ a.example.pem"
	row acme-renewal-info -g "$acme" -i a.example.pem -n -m '-A root.pem' \
	    -m '-A' -s "$acme a.example.pem surplus" -f "$acme @" \
	    -f '-u https://127.0.0.1:9/dir -A @ a.example.pem'
	row agent-conf -g '-c certs.d acme' -d -m '' -m '-c .' -m '-f lines est' \
	    -m scep -s '-c . acme surplus' -f '-c @ acme'
	local est='-u https://127.0.0.1:9 -A root.pem'
	row est-enroll -g "$est" -i req.pem -n -m '-A root.pem' -m '-A' \
	    -m '-u https://127.0.0.1:9' -m "$est -r" -m "$est -c a.example.pem" \
	    -s "$est req.pem surplus" -f "$est @" -f "$est -B @ req.pem" \
	    -f "$est -U @ req.pem" -f '-u https://127.0.0.1:9 -A @ req.pem' \
	    -f "$est -c @ -k ed.key req.pem" \
	    -f "$est -c a.example.pem -k @ req.pem"
	row est-cacerts -g "$est" -n -m '-A root.pem' -m '-A' \
	    -m '-u https://127.0.0.1:9' -s "$est surplus" \
	    -f '-u https://127.0.0.1:9 -A @' -f "$est -U @"
	row est-csrattrs -g "$est" -n -m '-A root.pem' -m '-A' \
	    -m '-u https://127.0.0.1:9' -s "$est surplus" \
	    -f '-u https://127.0.0.1:9 -A @' -f "$est -U @"
	local crl='-u http://127.0.0.1:9/ca.crl -B root.pem'
	row crl-fetch -g "$crl" -n -m '-B root.pem' -m '-u http://127.0.0.1:9/' \
	    -m "$crl -f text" -m "$crl -C -" -m '-B' -s "$crl surplus" -2 "$crl -A - -B -" \
	    -m "$crl -R ca.crl" -m '-B root.pem -R ca.crl -A root.pem' \
	    -2 '-B - -R -' -f '-B root.pem -R @' -f '-B @ -R ca.crl' \
	    -f '-u http://127.0.0.1:9/ -B @' -f "$crl -A @" -f "$crl -C @/crl"
	crl='-1 -u http://127.0.0.1:9/ca.crl -w .'
	row crl-agent -m "$crl" -m '-B root.pem -w .' -m '-u http://127.0.0.1:9/' \
	    -m "$crl -B" -s "$crl -B root.pem surplus" -f "$crl -B @" \
	    -f "$crl -B root.pem -A @" -f "$crl -B root.pem -w @"
	row http01-serve -m '-w .' -m '-l 127.0.0.1:0' \
	    -s '-l 127.0.0.1:0 -w . surplus' -f '-l 127.0.0.1:0 -w @'
	row acme-agent -m -c -m '-y a' -s '-1 surplus' -s '-t surplus'
	row est-agent -m -c -m '-y a' -s '-1 surplus' -s '-t surplus'
	row eca-status -g '-c none.d' -d -m -c -m '-f what' -s '-c . surplus'
	local client='-1 -A root.pem -c a.example.pem -k a.example.key'
	row target-client -m "$client" -m '-1 -A root.pem https://127.0.0.1:9/' \
	    -s "$client https://127.0.0.1:9/ surplus" \
	    -f '-1 -A @ -c a.example.pem -k a.example.key https://127.0.0.1:9/' \
	    -f '-1 -A root.pem -c @ -k a.example.key https://127.0.0.1:9/'
	local deploy="-k a.example.key -T $now store"
	row cert-deploy -g "$deploy" -i a.example.chain.pem \
	    -m '-k a.example.key' -m store -s "$deploy - surplus" \
	    -m "-f pem $deploy" -m "-f pfx $deploy" -m "-U ott $deploy" \
	    -2 '-k - store' -2 "-f pfx -U - $deploy" -f '-k @ store' \
	    -f "-f pfx -U @ $deploy a.example.pem" -f "$deploy @"
	row cert-commit -m '' -s 'store surplus' -f @
	row cert-rollback -m '' -m -T -s 'store surplus' -f @
	local ott='-u https://127.0.0.1:9 -P jwk'
	row step-ott -g "$ott -k ed.key" -i req.pem -m "$ott" \
	    -m '-u https://127.0.0.1:9 -k ed.key' -m '-P jwk -k ed.key' -m '-T' \
	    -m "$ott -k ed.key -I 7" -s "$ott -k ed.key req.pem surplus" \
	    -s "$ott -k ed.key -r -I 7 a.example.pem" -f "$ott -k ed.key @" \
	    -f "$ott -k @ req.pem" -f "$ott -k a.example.key -c @ req.pem"
	row step-ott -g "$ott -k a.example.key -c a.example.chain.pem -r" \
	    -i a.example.pem
	ott='-u https://127.0.0.1:9 -A root.pem'
	row step-sign -g "$ott -U ott" -i req.pem -n -m "$ott" -m '-A' \
	    -m '-A root.pem -U ott' -m '-u https://127.0.0.1:9 -U ott' \
	    -s "$ott -U ott req.pem surplus" -2 "$ott -U -" -2 "$ott -U - -" \
	    -f "$ott -U @ req.pem" -f "$ott -U ott @" -f "$ott -U ott -B @" \
	    -f '-u https://127.0.0.1:9 -A @ -U ott req.pem'
	row step-revoke -g "$ott -U ott" -i a.example.pem -n -m "$ott" -m '-A' \
	    -m "$ott -k ed.key" -m "$ott -c a.example.pem" \
	    -m "$ott -U ott -k a.example.key -c a.example.pem" \
	    -m "$ott -I 7 -k a.example.key -c a.example.pem" \
	    -s "$ott -U ott -I 7 a.example.pem" -2 "$ott -U -" \
	    -s "$ott -k a.example.key -c a.example.pem a.example.pem" \
	    -f "$ott -U @ a.example.pem" -f "$ott -U ott @" \
	    -f "$ott -c @ -k ed.key" -f "$ott -c a.example.pem -k @"
	row tls-peek -m '-A root.pem' -s '-A root.pem 127.0.0.1:9 surplus' \
	    -f '-A @ 127.0.0.1:9' -f '-c @ -k ed.key 127.0.0.1:9' \
	    -f '-c a.example.pem -k @ 127.0.0.1:9'
	row file-replace -g target.out -i noise -a -q -m '' -m '-m 0644' \
	    -s 'target.out surplus' -f '@/target'
	row log-json -g '-T 1800000000 INFO agent cert.renewed serial=1' -d \
	    -m INFO -m 'INFO agent' -2 'INFO agent note - -'
	row csr-check -i req.pem -g '' -d -c 1048576 -s 'req.pem surplus' \
	    -2 '-b - -' -2 '-x -' -f @ -f '-b @ req.pem' -f '-x @ req.pem'
	row whitelist-check -g '- 192.0.2.1' -i allow.txt -q -m '' \
	    -m allow.txt -f '@ 192.0.2.1'
	row est-token -m '' -m '-d .' -m '-d . what' -m 'list' \
	    -s '-d . add a b' -s '-d . list a' -m '-d . remove' \
	    -s '-d . remove aaaaa b' -s '-d . prune a' -f '-d @ list'
	row est-queue -m '' -m '-d .' -m '-d . what' -m list \
	    -s '-d . list a' -m '-d . show' -s '-d . show a b' \
	    -m '-d . approve' -s '-d . approve a b' -m '-d . deny' \
	    -s '-d . deny a b c' -s '-d . prune a' -f '-d @ list'
	row est-ra -m '' -s '-t . surplus' -f '-t @'
	row ca-init -g '-d target.out' -m '' -s '-d target.out surplus'
	row demo -s 'server surplus'
}

# The items.  Each prints one line of TAP, and why when it failed.

row() {
	local tool=$1 good='' input='' cap=1048576 server='' quiet='' same=''
	local target='' any='' missing=() lacking=() surplus=() twice=() opt OPTARG
	local OPTIND=2
	[ "${wanted[*]-}" ] && [[ " ${wanted[*]} " != *" $tool "* ]] && return
	while getopts g:i:c:anqdf:m:s:2:o opt; do
		case $opt in
		g) good=$OPTARG ;;
		i) input=$OPTARG ;;
		c) cap=$OPTARG ;;
		a) any=1 ;;
		n) server=1 ;;
		q) quiet=1 ;;
		d) same=1 ;;
		f) missing+=("$OPTARG") ;;
		m) lacking+=("$OPTARG") ;;
		s) surplus+=("$OPTARG") ;;
		2) twice+=("$OPTARG") ;;
		o) target='-o target.out' ;;
		*) exit 2 ;;
		esac
	done
	item 'an unknown option is a usage error' usage_error "-9 $good"
	for opt in "${lacking[@]}"; do
		item "usage error without something required ($opt)" \
		    usage_error "$opt"
	done
	for opt in "${surplus[@]}"; do
		item 'a surplus operand is a usage error' usage_error "$opt"
	done
	for opt in "${twice[@]}"; do
		item 'stdin twice is a usage error' usage_error "$opt"
	done
	for opt in "${missing[@]}"; do
		item "a missing file is named (${opt/@/FILE})" missing_file "$opt"
	done
	if [ "$target" ]; then
		item 'a missing directory of -o is named' \
		    missing_file "$good -o @/out"
	fi
	if [ -f "$contract_dir/../src/$tool.c" ]; then
		item '-V prints name and version' prints_version
		item '-V to a full device is an error' lost /dev/full -V
	fi
	if [ "$input" ]; then
		item 'empty input is an error' bad_input /dev/null
		if [ ! "$any" ]; then
			item 'noise is an error, not a crash' bad_input noise
			item 'input over the cap is an error' too_much
		fi
	fi
	[ "$good" ] && [ ! "$server" ] || return 0
	item 'a good call says nothing on stderr' good_call
	if [ ! "$quiet" ]; then
		item 'a full stdout is an error' lost /dev/full "$good"
		item 'a closed stdout is an error' lost closed "$good"
	fi
	if [ "$same" ]; then
		item 'the same input gives the same output' good_twice
	fi
}

item() {
	local title=$1
	total=$((total + 1))
	if "${@:2}" >why 2>&1; then
		echo "ok $total - $tool: $title"
		return
	fi
	failed=$((failed + 1))
	echo "not ok $total - $tool: $title"
	sed 's/^/#   /' why
}

# try CODE STDIN STDOUT ARGS: runs the tool, ARGS being split at blanks.  What is
# called target.out is new each time, and absent after a failure.
try() {
	local rc=0
	: >out
	rm -rf target.out
	# shellcheck disable=SC2086
	case $3 in
	closed) timeout 20 "$tool" $4 <"$2" >&- 2>err || rc=$? ;;
	*) timeout 20 "$tool" $4 <"$2" >"$3" 2>err || rc=$? ;;
	esac
	echo "$tool $4 <$2 >$3: exit $rc, expected $1"
	[ ! -s err ] || head -n 20 err
	[ "$rc" -eq "$1" ]
}

fails() { # like try: exit 2 and nothing written
	try 2 "$@" || return
	[ ! -s out ] || { echo 'stdout is not empty'; return 1; }
	[ ! -e target.out ] || { echo 'target.out is there'; return 1; }
	[ "$(wc -l <err)" -eq 1 ] || { echo 'stderr is not one line'; return 1; }
}

usage_error() {
	fails /dev/null out "$target $1" && grep -q "^usage: $tool\( \|$\)" err
}

message() {
	fails "$@" && grep -q "^$tool: ." err
}

missing_file() {
	message "${input:-/dev/null}" out "${1/@/missing.file}" &&
	    grep -qF missing.file err
}

bad_input() { message "$1" out "$good $target"; }

too_much() { # valid, and blank lines until it is too long
	{
		cat "$input"
		head -c "$cap" /dev/zero | tr '\0' '\n'
	} >much
	bad_input much
}

lost() { message "${input:-/dev/null}" "$1" "$2"; }

good_call() {
	try 0 "${input:-/dev/null}" out "$good" || return
	[ ! -s err ] || { echo 'stderr is not empty'; return 1; }
	if [ "$quiet" ]; then [ ! -s out ]; else [ -s out ]; fi
}

good_twice() { good_call && mv out first && good_call && cmp first out; }

prints_version() {
	try 0 /dev/null out -V && [ ! -s err ] && [ "$(wc -l <out)" -eq 1 ] &&
	    grep -q "^$tool (eca) [0-9]" out
}

contract_files() {
	# shellcheck source=test/certs.bash
	. "$contract_dir/certs.bash"
	make_ca . &&
	    make_cert . a.example san=DNS:a.example from=2026-01-01 to=2040-01-01 &&
	    make_key ed.key ed25519 &&
	    echo 192.0.2.0/24 >allow.txt &&
	    mkdir none.d && echo "STATE_DIR=$PWD/agent" >none.d/defaults &&
	    openssl ca -gencrl -config db/int.cnf -keyfile int.key \
		-cert int.pem -crldays 3650 -out ca.crl 2>/dev/null &&
	    openssl req -new -key a.example.key -subj / \
		-addext subjectAltName=DNS:a.example -out req.pem &&
	    echo a.b.c >ott && mkdir certs.d &&
	    printf '%s\n' PROTOCOL=acme CA_URL=https://127.0.0.1:9 \
		"CA_ROOT=$PWD/root.pem" DOMAIN_NAME=a.example \
		>certs.d/a.conf &&
	    openssl enc -aes-128-ctr -K 00 -iv 00 -in /dev/zero 2>/dev/null |
		head -c 65536 >noise
}

# contract [NAME...]: the rows of these commands, or all.
contract() (
	wanted=("$@") total=0 failed=0
	umask 077
	export LC_ALL=C
	dir=$(mktemp -d) || exit
	trap 'rm -rf "$dir"' EXIT
	cd "$dir" && contract_files || exit
	rows
	echo "1..$total"
	[ "$total" -gt 0 ] && [ "$failed" -eq 0 ]
)

contract_dir=$(cd -P "$(dirname "${BASH_SOURCE[0]}")" && pwd)
if [ "${BASH_SOURCE[0]}" = "$0" ]; then
	PATH=${ECA_BIN:-$contract_dir/../bin}:$contract_dir/../sh:$PATH
	contract "$@"
fi

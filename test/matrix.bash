# SPDX-License-Identifier: ISC
# shellcheck shell=bash
# Orders in number, at a pebble of any kind; with servers.bash.
#
#   pebble_of ARGS...           the pebble of start_pebble, and what is needed
#                               to order there: the directory web with its
#                               responder, key.pem, account.pem, issuer.pem
#   issue FIRST LAST NAMES [OPTIONS...]
#                               the orders of these numbers, for NAMES names
#                               each, four at a time; in the directory N each:
#                               chain.pem, ev.json.  All must succeed.
#   accepted, refused FIRST LAST [PATTERN]
#                               how many requests of these orders were, to URLs
#                               that match: refused means their nonce
#   row REJECT strict|lax REUSE LENGTH
#                               what is to be said of one kind of pebble

# shellcheck disable=SC2154	# bg is set by start_bg

pebble_of() {
	start_pebble pebble "$@"
	mkdir -p web
	start_bg http01-serve -l "127.0.0.1:$PEBBLE_HTTP_PORT" -w web
	wait_port "$PEBBLE_HTTP_PORT"
	mkkey -o key.pem
	mkkey -o account.pem
	pebble_issuer >issuer.pem
	acme-account -Y -u "$PEBBLE" -A "$PEBBLE_ROOT" -a account.pem new \
	    >account.json
}

# issue_one NUMBER NAMES [OPTIONS...]
issue_one() {
	local names=() i
	for ((i = 1; i <= $2; i++)); do
		names+=(-d "n$i.example")
	done
	mkdir "$1" && mkcsr -k key.pem "${names[@]}" >"$1/req.pem" || return
	acme-order -u "$PEBBLE" -A "$PEBBLE_ROOT" -a account.pem \
	    -B issuer.pem -w web -e "$1/ev.json" "${@:3}" "$1/req.pem" \
	    >"$1/chain.pem"
}

# xargs tells when one of them failed.
issue() {
	local i
	export -f issue_one
	seq "$1" "$2" | xargs -P 4 -I {} bash -c 'issue_one "$@"' bash {} \
	    "${@:3}"
	for ((i = $1; i <= $2; i++)); do
		[ "$(grep -c BEGIN "$i/chain.pem")" -ge 2 ]
	done
}

# count FILTER FIRST LAST PATTERN
count() {
	local i
	for ((i = $2; i <= $3; i++)); do
		cat "$i/ev.json"
	done | jq -s --arg pattern "${4-}" "map(select(.event == \"request\" and
	    (.url | test(\$pattern)) and ($1))) | length"
}

accepted() {
	count '.status < 400' "$@"
}

refused() {
	count '.problem.type == "urn:ietf:params:acme:error:badNonce"' "$@"
}

# chain_of FILE LENGTH: leaf first, LENGTH intermediates, each certificate
# signed by the next and the last one by pebble's root.
chain_of() {
	local i
	rm -f link*.pem
	awk '/BEGIN/ { n++ } { print >("link" n ".pem") }' "$1"
	[ "$(cat link*.pem | grep -c BEGIN)" -eq $(($2 + 1)) ]
	openssl x509 -in link1.pem -noout -ext subjectAltName >names
	grep -q DNS:n1.example names
	for ((i = 1; i <= $2; i++)); do
		openssl verify -partial_chain -trusted "link$((i + 1)).pem" \
		    "link$i.pem" >verified
	done
	openssl verify -CAfile issuer.pem "link$i.pem" >verified
}

# Six names, so that a part of them is reused when half of all are.  Pebble
# reuses one in a hundred when told to reuse none.
row() {
	local flags=() n
	[ "$2" = lax ] || flags=(-strict)
	mkdir "$BATS_TEST_TMPDIR/$1-$2-$3-$4"
	cd "$BATS_TEST_TMPDIR/$1-$2-$3-$4" || return
	pebble_of PEBBLE_VA_NOSLEEP=1 "PEBBLE_WFE_NONCEREJECT=$1" \
	    "PEBBLE_AUTHZREUSE=$3" "PEBBLE_CHAIN_LENGTH=$4" "${flags[@]}"
	# the first one alone, so that there is something to reuse
	issue 1 1 6
	issue 2 5 6
	for n in 1 2 3 4 5; do
		chain_of "$n/chain.pem" "$4"
	done
	case $1 in
	0) [ "$(count '.status >= 400' 1 5)" -eq 0 ] ;;
	*) [ "$(refused 1 5)" -ge 1 ] ;;
	esac
	[ "$(accepted 1 1 /chalZ/)" -eq 6 ]
	n=$(accepted 2 5 /chalZ/)
	echo "row $*: $n challenges answered"
	case $3 in
	0) [ "$n" -ge 18 ] ;;
	50) [[ $n -gt 0 && $n -lt 24 ]] ;;
	100) [ "$n" -eq 0 ] ;;
	esac
	end_server pebble
	stop_bg "$bg"
}

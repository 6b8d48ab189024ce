# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2154 # of agent.sh
#
# revoked.sh: which certificates have been revoked? Fetches the lists that are
# old and marks who is on one. Sourced by agent.sh.

# look: fetch the revocation lists that are old, and see who is on them. Sets
# marked when somebody is.
look() {
	marked=0
	case $plan in
	*"${tab}crl$tab"*) ;;
	*) return 0 ;;
	esac
	work
	printf '%s\n' "$plan" | list="$tmp/crl." awk -F '\t' '$2 == "crl" {
		if (!(($3, $5) in n))
			n[$3, $5] = ++lists
		print >(ENVIRON["list"] n[$3, $5])
	}'
	for list in "$tmp"/crl.*; do
		IFS=$tab read -r _ _ cache age root _ <"$list"
		cut -f 6 "$list" | sed 's|$|/fullchain.pem|' |
		    tr '\n' '\0' >"$tmp/files"
		[ "$age" = fresh ] || fetch_list
		rc=0
		xargs -0 cat <"$tmp/files" | step crl-check -B "$root" \
		    -R "$cache" >"$tmp/judged" || rc=$?
		[ "$rc" -eq 0 ] || judged
		rm -f "$list"
	done
}

# load_first: the configuration of the first certificate of $list that lacks
# nothing.
load_first() {
	while IFS=$tab read -r name _; do
		! load_conf "$name" || return 0
	done <"$list"
	return 1
}

# fetch_list: into $cache. Its issuer is in the chain of the first certificate,
# which was verified when it came.
fetch_list() (
	if ! load_first || ! step mkdir -p "${cache%/*}"; then
		log WARN crl.unreachable "file=$cache" "reason=$(reason)"
		exit 0
	fi
	head -z -n 1 "$tmp/files" | xargs -0 cat -- "$root" >"$tmp/issuers"
	set -- -A "$c_CA_ROOT" -B "$tmp/issuers" -u "$c_CRL_URL"
	if step crl-fetch -C "$cache" "$@" >"$tmp/json"; then
		touch "$cache.stamp"
		jq -r '"number=\(.number)", "next_update=\(.next_update)",
		    "changed:=\(.changed)"' "$tmp/json" >"$tmp/facts"
		log INFO crl.fetched "url=$c_CRL_URL" - <"$tmp/facts"
	else
		log WARN crl.unreachable "url=$c_CRL_URL" "reason=$(reason)"
	fi
)

# judged: mark who is revoked. What is unknown counts as load_first says.
judged() {
	jq -r 'select(.status == "revoked") | .serial' "$tmp/judged" \
	    >"$tmp/serials"
	awk -F '\t' 'NR == FNR { bad[$1]; next } $7 in bad {
		print $1 "\t" $7 }' "$tmp/serials" "$list" >"$tmp/revoked"
	while IFS=$tab read -r name serial <&4; do
		dir=$state_dir/state/$name
		[ "$(cat "$dir/revoked" 2>/dev/null)" != "$serial" ] ||
		    continue
		log ERROR cert.revoked "name=$name" "serial=$serial"
		if ! step mkdir -p "$dir" || ! echo "$serial" |
		    step file-replace -m 644 "$dir/revoked"; then
			about ERROR state.unwritten "reason=$(reason)"
			worse "$EX_ERR"
		fi
		# shellcheck disable=SC2034 # for pass
		marked=1
	done 4<"$tmp/revoked"
	unknown=$(jq -r 'select(.status == "unknown") | .reason' \
	    "$tmp/judged" | sort | uniq -c | awk '{
		printf "%s%d certificates: %s", sep, $1, $2; sep = ", " }')
	[ -s "$tmp/judged" ] || unknown=$(reason)
	[ -z "$unknown" ] || unknown || worse $?
}

unknown() (
	load_first || c_CRL_FAIL=closed
	if [ "$c_CRL_FAIL" = closed ]; then
		log ERROR crl.unknown "file=$cache" "reason=$unknown"
		exit "$EX_TEMP"
	fi
	log WARN crl.unknown "file=$cache" "reason=$unknown"
)

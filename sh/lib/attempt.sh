# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2154 # c_*: of load_conf; tmp, prog: of base.sh
#
# attempt.sh: one attempt at one certificate: its configuration, how its steps
# are run, what is said of it in the log, and how it ended, for the next one.
# Sourced by agent.sh. What can fail says why in $tmp/err.
#
# Of a certificate: name, why (it is due), dir (its state), pending (the request
# under way), store (its generations).

# When the CA wants to be asked again, if it said so.
retry_at() {
	sed -n '$s/^retry-at: \([0-9TZ:-]*\)$/\1/p' "$tmp/err"
}

serial_of() {
	cert-expiry "$1" 2>/dev/null |
	    sed -n '1s/.*"serial":"\([^"]*\)".*/\1/p'
}

# because TEXT: the reason, for reason.
because() {
	printf '%s: %s\n' "$prog" "$1" >"$tmp/err"
}

# step COMMAND...: one that says on stderr what is wrong.
step() {
	"$@" 2>"$tmp/err" 9>&-
}

# about LEVEL EVENT [FACT...]: of this certificate.
about() {
	about_level=$1 about_event=$2
	shift 2
	log "$about_level" "$about_event" "name=$name" "$@"
}

# load_conf NAME: the keys of a certificate, as c_KEY.
load_conf() {
	step agent-conf -c "$conf" -n "$1" "$protocol" >"$tmp/conf" || return
	while IFS= read -r line; do
		# The keys are those of a fixed list.
		eval "c_${line%%=*}=\${line#*=}"
	done <"$tmp/conf"
}

# next_state RESULT REASON [RETRY-AT]: what follows, by an attempt that ended so,
# on the states in $tmp/old, one for each certificate; into $tmp/state.
next_state() {
	jq -c --arg result "$1" --arg reason "$2" --arg retry "${3-}" '
		(now | todate) as $now |
		{result: $result, reason: null, failures: 0, last_attempt: $now,
		    last_success: $now, retry_at: null} +
		if $result == "ok" then {} else {
			reason: $reason, failures: (([
			    # those of a wrong clock do not count
			    select(.last_attempt <= $now and
				.last_attempt >= .last_success) |
			    .failures | numbers | select(. >= 0 and . < 1e6) |
			    floor, 0] | first) + 1),
			last_success: (.last_success as $t |
			    try ($t | fromdate | $t) catch null),
			retry_at: (if $retry == "" then null else $retry end)
		} end' "$tmp/old" >"$tmp/state" 2>"$tmp/err"
}

# record RESULT REASON [RETRY-AT]: how this attempt ended, for cert-plan and for
# people.
record() {
	[ ! -d "$dir/state.json" ] || rm -rf "$dir/state.json"
	jq -es 'last | objects' "$dir/state.json" >"$tmp/old" 2>/dev/null ||
	    echo '{}' >"$tmp/old"
	next_state "$@" &&
	    step file-replace -m 644 "$dir/state.json" <"$tmp/state" && return
	about ERROR state.unwritten "reason=$(reason)"
}

# failed CODE EVENT: this attempt came to nothing, for the reason in $tmp/err.
failed() {
	code=$1 level=ERROR
	[ "$code" -ne "$EX_TEMP" ] || level=WARN
	text=$(reason)
	when=$(retry_at)
	about "$level" "$2" "reason=$text" ${when:+"retry_at=$when"}
	record failed "$text" "$when"
	[ "$code" -eq "$EX_TEMP" ] || code=$EX_ERR
	return "$code"
}

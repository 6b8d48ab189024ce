# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2154 # c_*: of load_conf; tmp, prog: of base.sh
#
# renew.sh: another certificate, from "due" to "installed". Sourced by agent.sh
# after attempt.sh and service.sh. The agent defines
#
#	obtain		a chain for $pending/csr.pem in $tmp/chain; returns 0,
#			2 or 75
#	request		the request for $pending/key.pem on stdout
#	obtained	what is to be done once the chain is kept
#	clean_up	takes away what a killed obtain left elsewhere
#	ask		asks the CA when it would like to renew
#	ask_later	it is asked again in an hour

# skew_limit: how far our clock may be from the CA's: as configured, but not
# more than a tenth of a certificate's life.
skew_limit() {
	limit=$c_CLOCK_SKEW_SECONDS
	[ -e "$store/current/cert.pem" ] || return 0
	tenth=$(cert-expiry "$store/current/cert.pem" 2>/dev/null | jq '
		(.not_after | fromdate) - (.not_before | fromdate) |
		[. / 10 | floor, 5] | max') || return 0
	[ "${tenth:-$limit}" -ge "$limit" ] || limit=$tenth
}

# ca_ready: the CA is there, and its clock agrees with ours. One that could not
# be reached, by a proxy or without, is not asked again in this pass.
ca_ready() {
	ca="${c_PROXY-false} $c_CA_URL"
	if grep -qxF -e "$ca" "$tmp/down" 2>/dev/null; then
		because "$c_CA_URL: not reached just now"
		return "$EX_TEMP"
	fi
	skew_limit
	set -- -A "$c_CA_ROOT" -u "$c_CA_URL" -s "$limit"
	[ "${c_PROXY-false}" = false ] || set -- -O "$@"
	rc=0
	step clock-check "$@" >"$tmp/clock" || rc=$?
	case $rc in
	1)
		skew=$(jq .skew_seconds "$tmp/clock")
		about ERROR clock.skewed "skew_seconds:=$skew"
		because "clock: $skew s away from that of the CA"
		return "$EX_TEMP" ;;
	"$EX_TEMP") printf '%s\n' "$ca" >>"$tmp/down" ;;
	esac
	return "$rc"
}

# name_options: DOMAIN_NAME as options of mkcsr, one word a line.
name_options() {
	printf '%s\n' "${c_DOMAIN_NAME-}" | tr ', \t' '[\n*]' |
	    while IFS= read -r word; do
		case $word in
		'') ;;
		URI:* | email:*) printf '%s\n' -D "$word" ;;
		*:*) printf '%s\n' -i "$word" ;;
		*[!0-9.]*) printf '%s\n' -d "$word" ;;
		*) printf '%s\n' -i "$word" ;;
		esac || exit
	done
}

# new_request [OPTION...]: for the names and the subject of the configuration.
new_request() {
	name_options >"$tmp/names" || return	# a request for all, or none
	set -- -k "$pending/key.pem" "$@"
	[ -z "${c_SUBJECT_DN-}" ] || set -- "$@" -N "$c_SUBJECT_DN"
	while IFS= read -r word; do
		set -- "$@" "$word"
	done <"$tmp/names"
	mkcsr "$@"
}

# prepare: a fresh key and the request for it. One that is under way is gone on
# with, unless it is for something else or a week old.
prepare() {
	printf '%s\n' "$c_CA_URL" "${c_ACME_PROVISIONER-}" \
	    "${c_EST_PROVISIONER-}" "${c_DOMAIN_NAME-}" "${c_SUBJECT_DN-}" \
	    "$c_KEY_TYPE" >"$tmp/for"
	if ! cmp -s "$tmp/for" "$pending/for" ||
	    [ -n "$(find "$pending/for" -mtime +7)" ]; then
		discard
		step mkdir "$pending" &&
		    step file-replace "$pending/for" <"$tmp/for" || return
	fi
	[ -e "$pending/key.pem" ] ||
	    step mkkey -t "$c_KEY_TYPE" -o "$pending/key.pem" || return
	[ -e "$pending/csr.pem" ] || {
		step request >"$tmp/csr" &&
		    step file-replace "$pending/csr.pem" <"$tmp/csr"
	}
}

# discard: the request under way is of no use. Without the first of its files
# prepare does not believe the others.
discard() {
	clean_up
	step rm -rf "$pending/for" "$pending"
}

# is_current: what was under way is deployed.
is_current() {
	cmp -s "$pending/chain.pem" "$store/current/fullchain.pem"
}

# acceptable: what came back is for our key, below our anchors, valid, and not
# the present certificate.
acceptable() {
	rc=0
	step cert-verify -B "$c_CERT_ROOT" -k "$pending/key.pem" \
	    "$pending/chain.pem" >"$tmp/verdict" || rc=$?
	[ "$rc" -ne 1 ] || because \
	    "not accepted: $(jq -r '.reasons | join(", ")' "$tmp/verdict")"
	[ "$rc" -eq 0 ] || return
	if [ -e "$store/current/cert.pem" ] &&
	    [ "$(serial_of "$pending/chain.pem")" = \
	    "$(serial_of "$store/current/cert.pem")" ]; then
		because 'not renewed: it has the serial of the present one'
		return 1
	fi
}

# deploy CHAIN KEY: a new generation, in the forms that are asked for.
deploy() {
	set -- -k "$2" -- "$store" "$1"
	[ -z "${c_GROUP-}" ] || set -- -g "$c_GROUP" "$@"
	[ -z "${c_MINIO_CERTS_DIR-}" ] || set -- -f minio "$@"
	[ -z "${c_PFX_PASSWORD_FILE-}" ] ||
	    set -- -f pfx -U "$c_PFX_PASSWORD_FILE" "$@"
	step cert-deploy "$@" >"$tmp/deployed"
}

# adopt: the pair that lies at CERT_PATH and KEY_PATH from earlier becomes the
# first generation, if it is good.
adopt() {
	[ ! -e "$store/current" ] && [ -f "${c_CERT_PATH-}" ] &&
	    [ -f "${c_KEY_PATH-}" ] || return 0
	if deploy "$c_CERT_PATH" "$c_KEY_PATH" &&
	    step cert-commit "$store" && links; then
		about INFO cert.adopted "path=$c_CERT_PATH"
	else
		about WARN cert.not_adopted "path=$c_CERT_PATH" \
		    "reason=$(reason)"
	fi
}

# have_chain: one for our key is in $pending, from now or from a run before.
have_chain() {
	[ ! -s "$pending/chain.pem" ] || return 0
	about INFO cert.ordered "reason=$why"
	obtain && step file-replace "$pending/chain.pem" <"$tmp/chain"
}

renew() {
	ca_ready || {
		failed $? ca.not_ready
		return
	}
	prepare || {
		failed "$EX_ERR" request.failed
		return
	}
	rc=0
	have_chain || rc=$?
	case $rc in
	0) ;;
	"$EX_TEMP" | 12[89] | 1[3-9]? | 2??)	# or it was killed
		failed "$EX_TEMP" cert.delayed
		return ;;
	*)
		rm -f "$tmp/chain"
		failed "$rc" cert.refused || rc=$?
		discard
		return "$rc" ;;
	esac
	if ! acceptable; then
		failed "$EX_ERR" cert.unacceptable || :
		discard
		return "$EX_ERR"
	fi
	deploy "$pending/chain.pem" "$pending/key.pem" || {
		failed $? deploy.failed
		return
	}
	about INFO cert.deployed "path=$(cat "$tmp/deployed")"
	obtained
	prove
}

# act: what cert-plan says.
act() {
	case $action in
	enroll)
		adopt
		if [ "$why" != missing ] || [ ! -e "$store/current" ]; then
			renew
		fi ;;
	renew) renew ;;
	prove) prove ;;
	retry) retry ;;
	tidy) tidy ;;
	link) links || failed "$EX_ERR" link.failed ;;
	ask) ask ;;
	clock)
		because 'the certificate is not valid yet: the clock is wrong'
		failed "$EX_TEMP" clock.wrong ;;
	*)
		because "unknown action $action"
		failed "$EX_ERR" request.failed ;;
	esac
}

# in_file: what is wrong stands in the file that was given, not in our copy.
in_file() {
	text=$(reason)
	[ "${text#"$conf/"}" = "$text" ] || because "$given${text#"$conf"}"
}

# attend NAME ACTION REASON: see to a certificate. In a subshell: what it learns
# does not reach the next one.
attend() (
	name=$1 action=$2 why=$3
	dir=$state_dir/state/$name
	pending=$dir/pending
	store=$store_dir/$name
	step mkdir -p "$dir" || {
		about ERROR state.unwritten "reason=$(reason)"
		exit "$EX_ERR"
	}
	if ! load_conf "$name"; then
		in_file
		[ "$action" = ask ] || {
			failed "$EX_ERR" config.unusable
			exit
		}
		# a question is no attempt
		about ERROR config.unusable "reason=$(reason)"
		ask_later
		exit "$EX_ERR"
	fi
	clean_up
	if is_current; then
		obtained
		case $action in
		enroll | renew) discard ;;
		esac
	fi
	act || exit
	exit 0
)

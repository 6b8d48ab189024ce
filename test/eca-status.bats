#!/usr/bin/env bats
# SPDX-License-Identifier: ISC

load helper
load agent

setup_file() {
	own_pki
}

# well and due are proven, new is not, gone has no certificate.
setup() {
	no_ca
	conf well acme ARI=false
	conf device est
	given well to='85 days 1 hour'
	given device
	cert-commit store/well
	cert-commit store/device
}

# status CODE [OPTION...]
status() {
	run "-$1" --separate-stderr eca-status -c certs.d "${@:2}"
	[ -z "$stderr" ]
}

# failure NAME REASON: it is due, and that is how the last attempt ended, as the
# agents write it.
failure() {
	given "$1" from='80 days ago' to='10 days'
	cert-commit "store/$1"
	mkdir -p "agent/state/$1"
	jq -n --arg reason "$2" '{result: "failed", reason: $reason,
	    failures: 3, last_attempt: (now | todate), last_success: null,
	    retry_at: null}' >"agent/state/$1/state.json"
}

@test "eca-status keeps the contract of all commands" {
	run -0 contract eca-status
}

@test "eca-status prints a table" {
	status 0
	[ "${#lines[@]}" -eq 3 ]
	[ "$(tr -s ' ' <<<"${lines[0]}")" = \
	    'NAME PROTOCOL STATE SERIAL NOT_AFTER LEFT TIME LAST NEXT_LOOK TO_DO ERROR' ]
	[[ $(tr -s ' ' <<<"${lines[1]}") == \
	    "well acme ok $(serial well) "*Z' 100% 85d - '*'Z none -' ]]
	[[ ${lines[2]} == 'device  est '* ]]
	# columns
	[ "$(awk '{ print index($0, $4) }' <<<"$output" | sort -u | wc -l)" -eq 1 ]
}

@test "eca-status says what is wrong, and 1" {
	conf gone acme
	conf late acme
	conf new acme
	given new
	make_cert "$PKI" late san=DNS:late.example from='10 days ago' \
	    to='1 hour ago'
	cert-deploy -T "$(date -d '1 day ago' +%s)" -k "$PKI/late.key" \
	    store/late "$PKI/late.chain.pem"
	cert-commit store/late
	failure device 'no	such
host'
	status 1 -f json
	[ "$(jq -r '"\(.name) \(.state) \(.action)"' <<<"$output")" = \
	    'gone critical enroll
late critical enroll
new warning prove
well ok none
device warning wait' ]
	status 1
	[ "${#lines[@]}" -eq 6 ]
	[[ $output == *'enroll: missing'* ]]
	[[ $output == *'enroll: expired'* ]]
	grep -q 'device .* failed .*no\\tsuch\\nhost$' <<<"$output"
}

@test "eca-status -f json has what cert-plan says, and the state" {
	status 0 -f json
	[ "${#lines[@]}" -eq 2 ]
	for protocol in acme est; do
		cert-plan -c certs.d -f json "$protocol"
	done | jq -c 'del(.next, .seconds_left, .renew_at)' >plan
	jq -c 'del(.next, .seconds_left, .renew_at, .state)' <<<"$output" |
	    cmp - plan
	[ "$(jq -r .state <<<"$output")" = $'ok\nok' ]
}

@test "eca-status -T looks at another time" {
	now=$(date +%s)
	status 1 -f json -T "$((now + 100 * 86400))"
	[ "$(jq -r .state <<<"$output" | sort -u)" = critical ]
	status 1 -f json -T "$((now - 86400))"
	[ "$(jq -r '"\(.state) \(.action)"' <<<"$output" | sort -u)" = \
	    'critical clock' ]
	run -2 --separate-stderr eca-status -c certs.d -T noon
	[ -z "$output" ]
	[ -n "$stderr" ]
}

# A parser of the text format, for what is used of it: each sample has a HELP
# and a TYPE before it, a name, labels, a number.
@test "eca-status -f prometheus is what a collector reads" {
	conf gone acme
	failure device 'a "quoted" \ reason'
	conf device est SUBJECT_DN='CN=de\"vice'
	status 1 -f prometheus
	awk '
		$1 == "#" && $2 == "HELP" { help[$3]++; next }
		$1 == "#" && $2 == "TYPE" && $4 == "gauge" { type[$3]++; next }
		/^[a-z0-9_]+\{([a-z]+="([^"\\]|\\["n\\])*",?)+\} -?[0-9]+$/ {
			name = $0
			sub(/\{.*/, "", name)
			if (help[name] == 1 && type[name] == 1)
				next
		}
		{ print "bad: " $0; bad = 1 }
		END { exit bad }' <<<"$output"
	grep -q "^x509_cert_not_after{name=\"well\",protocol=\"acme\",subject=\"CN=well\",filepath=\"[^\"]*\"} $(
	    date -d "$(openssl x509 -in store/well/current/cert.pem -noout \
	    -enddate | cut -d= -f2)" +%s)\$" <<<"$output"
	grep -q '^eca_cert_ok{name="well",.*} 1$' <<<"$output"
	grep -q '^eca_cert_ok{name="gone",.*} 0$' <<<"$output"
	grep -q '^eca_renewal_failures{name="device",.*} 3$' <<<"$output"
	[ "$(grep -c '^x509_cert_not_after{' <<<"$output")" -eq 2 ]
}

@test "eca-status -f nagios is a line and a code of Nagios" {
	status 0 -f nagios
	[[ $output =~ ^"ECA OK - 2 certificates, 0 critical, 0 warning | 'well'="[0-9]+"s;;0: 'device'="[0-9]+"s;;0:"$ ]]
	failure device 'pipe | in a reason'
	status 1 -f nagios
	[ "${#lines[@]}" -eq 1 ]
	[[ $output == 'ECA WARNING - 2 certificates, 0 critical, 1 warning; device: pipe / in a reason | '* ]]
	mkdir -p agent/state/well
	serial well >agent/state/well/revoked
	conf gone acme
	status 2 -f nagios
	[[ $output == 'ECA CRITICAL - 3 certificates, 2 critical, 1 warning; gone: missing, well: revoked, device: '* ]]
	conf gone acme RENEWAL_THRESHOLD_PERCENT=0
	status 3 -f nagios
	[[ $output == 'ECA UNKNOWN - '*RENEWAL_THRESHOLD_PERCENT* ]]
	[ "${#lines[@]}" -eq 1 ]
}

@test "eca-status has no answer without a good configuration" {
	conf well acme RENEWAL_THRESHOLD_PERCENT=0
	for form in table json prometheus; do
		run -2 --separate-stderr eca-status -c certs.d -f "$form"
		[ -z "$output" ]
		[[ $stderr == *certs.d/well.conf:*RENEWAL_THRESHOLD_PERCENT* ]]
	done
}

@test "eca-status: lost output is an error in each form" {
	for form in table json prometheus; do
		run -2 --separate-stderr sh -c \
		    'eca-status -c certs.d -f "$1" >/dev/full' sh "$form"
		[ "$stderr" = 'eca-status: stdout: cannot write' ]
	done
	run -3 sh -c 'eca-status -c certs.d -f nagios >/dev/full'
}

@test "eca-status -f nagios is UNKNOWN when it cannot work" {
	TMPDIR=$PWD/nothing run -3 --separate-stderr eca-status -c certs.d \
	    -f nagios
	[[ $stderr == "eca-status: $PWD/nothing/"*': cannot make a directory' ]]
}

@test "eca-status says what it cannot read" {
	rm store/well/current
	touch store/well/current
	for form in table json prometheus nagios; do
		rc=1
		[ "$form" != nagios ] || rc=2
		run "-$rc" --separate-stderr eca-status -c certs.d -f "$form"
		[[ $stderr == "cert-plan: $PWD/store/well/current: "* ]]
		[[ $stderr != *device* ]]
	done
}

@test "eca-status changes nothing" {
	conf gone acme
	mkdir agent
	find agent certs.d store -ls >"$BATS_FILE_TMPDIR/before"
	for form in table json prometheus; do
		status 1 -f "$form"
	done
	find agent certs.d store -ls | cmp - "$BATS_FILE_TMPDIR/before"
}

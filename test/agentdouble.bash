# SPDX-License-Identifier: ISC
# shellcheck shell=bash disable=SC2034,SC2154 # for agent.bash; of run, the test
# An agent whose CA is played by doubles/httpsd.c, see double.bash (ACME) and
# est.bash (EST).  For bats files that load helper, agent and one of these two.
#
#   agent_files             in setup_file, after acme_files or est_files: a
#                           certificate that is due, $PKI/old
#   has_old [NAME]          in setup, after acme_double or est_double: the agent
#                           has that one, and has proven it; name web
#   clock_agrees FILE       that answer has the right Date
#   under_way               the request of the first attempt is kept, in saved
#   begun                   it is under way again
#   issued NAME [WORD ...]  $PKI/NAME for the key of that request; the words
#                           are those of make_cert
#   meets CODE EVENT TEXT   a pass that is forced ends so: the old certificate
#                           is kept, the reason has TEXT and is in the log, in
#                           state.json and in eca-status, and the next pass
#                           asks nobody anything
#   asked                   how many requests there were in the last pass that
#                           was forced

agent_files() {
	make_cert "$PKI" old subject=/CN=dev1 san=DNS:a.example \
	    from='80 days ago' to='10 days'
}

has_old() {
	local name=${1-web}
	mkdir -p store
	cert-deploy -k "$PKI/old.key" "store/$name" "$PKI/old.chain.pem" \
	    >/dev/null
	cert-commit "store/$name"
	ROOT=$PKI/root.pem
}

clock_agrees() {
	with "$1" "Date: $(date -u '+%a, %d %b %Y %T GMT')"
}

under_way() {
	rm -rf saved
	cp -a agent/state/web/pending saved
	cp -p saved/key.pem "$PKI/key.pem"
}

begun() {
	rm -rf agent/state/web/pending
	cp -a saved agent/state/web/pending
}

issued() {
	make_cert "$PKI" "$1" subject=/CN=dev1 san=DNS:a.example \
	    key="$PWD/saved/key.pem" "${@:2}"
}

meets() {
	local old
	old=$(serial web)
	: >requests
	: >log.json
	run "-$1" pass "$proto" -y web
	cp requests asked
	said ".event == \"$2\" and .name == \"web\" and
	    (.reason | contains(\"$3\"))" || { cat log.json; return 1; }
	state web ".result == \"failed\" and .failures > 0 and
	    (.reason | contains(\"$3\"))" >/dev/null
	[ "$(serial web)" = "$old" ]
	whole web
	[ -z "$(find agent store -name '.*' -o -name 'tmp.*')" ]
	: >requests
	run -0 pass "$proto"
	[ ! -s requests ]
}

shown() {
	run -0 cert-plan -c certs.d -f json "$proto"
	jq -e '.action == "wait" and .reason == "due" and
	    (.next | fromdate) > (.last_attempt | fromdate) + 30' \
	    <<<"$output"
	run -1 eca-status -c certs.d
	[[ $output == *"$1"* ]]
}

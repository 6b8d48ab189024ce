# SPDX-License-Identifier: ISC
# eca.  GNU make and BSD make.  A module is one object; the line that links a
# command says which modules and which libraries it needs.  SAN=1 builds the
# same with ASan and UBSan into build/san.

VERSION = 0.1.0
PREFIX = /usr/local
BINDIR = ${PREFIX}/bin
LIBEXECDIR = ${PREFIX}/libexec/eca
MANDIR = ${PREFIX}/share/man
DATADIR = ${PREFIX}/share/eca
UNITDIR = ${PREFIX}/lib/systemd/system
SYSUSERSDIR = ${PREFIX}/lib/sysusers.d
DESTDIR =
CC = cc
SAN =

O_ = build/plain
O_1 = build/san
O = ${O_${SAN}}
B_ = bin
B_1 = build/san/bin
B = ${B_${SAN}}

WARN = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wpointer-arith -Wconversion
OPT_ = -O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
OPT_1 = -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined
CF = -std=c11 -D_GNU_SOURCE -DECA_VERSION='"${VERSION}"' -Isrc/lib ${WARN} \
	-fPIE -fstack-protector-strong ${OPT_${SAN}} ${CPPFLAGS} ${CFLAGS}
LD = ${CC} ${CF} -pie -Wl,-z,relro,-z,now,--as-needed ${LDFLAGS} -o $@

TOOLS = acme-account acme-order acme-renewal-info acme-revoke agent-conf \
	cert-commit cert-deploy cert-expiry cert-plan cert-rollback cert-verify \
	clock-check crl-check crl-fetch csr-check est-cacerts est-csrattrs \
	est-enroll est-ra file-replace http01-serve log-json mkcsr mkkey \
	step-ott step-revoke step-sign tls-peek whitelist-check
SCRIPTS = acme-agent ca-init crl-agent demo eca-status est-agent \
	est-queue est-token target-client
INSTALLED = acme-agent ca-init crl-agent eca-status est-agent est-queue \
	est-token target-client
PAGES = acme-account.1 acme-agent.8 acme-order.1 acme-renewal-info.1 \
	acme-revoke.1 acme.7 agent-conf.1 agents-howto.7 agents.7 ca-init.8 \
	cert-commit.1 cert-deploy.1 cert-expiry.1 cert-plan.1 cert-rollback.1 \
	cert-verify.1 certs.d.5 clock-check.1 crl-agent.8 crl-check.1 \
	crl-fetch.1 csr-check.1 eca-status.8 eca-systemd.7 eca.7 est-agent.8 \
	est-cacerts.1 est-csrattrs.1 est-enroll.1 est-queue.8 est-ra.8 \
	est-token.8 est.7 file-replace.1 http01-serve.8 log-json.1 mkcsr.1 \
	mkkey.1 reload-hooks.7 step-ott.1 step-revoke.1 step-sign.1 \
	target-client.1 tls-peek.1 whitelist-check.1
SYSTEMD = acme-agent-once.service acme-agent.service acme-agent.timer \
	crl-agent.service eca-reload@.path eca-reload@.service \
	eca-status.service eca-status.timer est-agent-once.service \
	est-agent.service est-agent.timer
UNITS = acme-test addrlist-test agentconf-test alpn01-test ari-test \
	crl-test csrattrs-test csrpolicy-test der-test estbody-test \
	estqueue-test esttoken-test herd-test http-test json-test jws-test \
	keyval-test name-test ott-test plan-test replace-test util-test \
	wycheproof-test
FUZZES = fuzz-addrlist fuzz-agentconf fuzz-cgi fuzz-crl fuzz-csrattrs \
	fuzz-csrpolicy fuzz-der fuzz-esttoken fuzz-http fuzz-json fuzz-pem \
	fuzz-pkcs7

all: ${TOOLS:%=${B}/%} ${SCRIPTS:%=bin/%}

# commands: modules, then libraries
U = ${O}/util.o
FILE = ${O}/replace.o ${O}/cleanup.o ${O}/io.o ${U}
CRYPTO = ${O}/pem.o ${O}/key.o ${O}/ossl.o ${O}/io.o ${U}
DER = ${O}/der.o ${O}/dertext.o
NAME = ${O}/name.o ${O}/nametext.o
NAMES = ${O}/csr.o ${NAME}
JSON = ${O}/jsonw.o
HTTP = ${O}/http.o ${O}/httpfield.o ${O}/httpurl.o
ACME = ${O}/acmesession.o ${O}/acmeaccount.o ${O}/acme.o \
	${O}/acmeproblem.o ${HTTP} ${O}/client.o ${O}/json.o ${O}/jws.o \
	${O}/b64.o ${O}/signer.o ${O}/sandbox.o ${JSON} ${O}/pem.o \
	${O}/key.o ${O}/ossl.o ${FILE}
ORDER = ${O}/acmeorder.o ${O}/acmeneworder.o ${O}/acmejournal.o \
	${O}/acmeauthz.o ${O}/acmechain.o ${O}/ari.o ${O}/hook.o \
	${O}/webroot.o ${O}/http01.o ${O}/alpn01.o ${O}/responder.o \
	${O}/serve.o ${O}/listen.o ${O}/chain.o ${NAMES}

AGENTCONF = ${O}/agentconf.o ${O}/agentcross.o ${O}/agentdir.o \
	${O}/agentfile.o ${O}/agentform.o ${O}/agentkey.o ${O}/agentthere.o \
	${O}/agentvalue.o ${O}/keyval.o ${O}/json.o ${NAMES}

mkkey = ${O}/key.o ${O}/ossl.o ${FILE}
${B}/mkkey: src/mkkey.c ${mkkey}
	${LD} src/mkkey.c ${mkkey} -lcrypto
mkcsr = ${O}/csrwant.o ${O}/json.o ${NAMES} ${O}/sandbox.o ${CRYPTO}
${B}/mkcsr: src/mkcsr.c ${mkcsr}
	${LD} src/mkcsr.c ${mkcsr} -ljansson -lcrypto
certexpiry = ${O}/certwalk.o ${DER} ${JSON} ${O}/sandbox.o ${CRYPTO}
${B}/cert-expiry: src/cert-expiry.c ${certexpiry}
	${LD} src/cert-expiry.c ${certexpiry} -lcrypto
agentconf = ${AGENTCONF} ${JSON} ${CRYPTO}
${B}/agent-conf: src/agent-conf.c ${O}/certlinks.o ${agentconf}
	${LD} src/agent-conf.c ${O}/certlinks.o ${agentconf} -ljansson -lcrypto
certplan = ${O}/certlinks.o ${O}/certstate.o ${O}/hostset.o ${O}/plan.o \
	${O}/certwalk.o ${AGENTCONF} ${DER} ${JSON} ${O}/sandbox.o ${CRYPTO}
${B}/cert-plan: src/cert-plan.c ${certplan}
	${LD} src/cert-plan.c ${certplan} -ljansson -lcrypto
certverify = ${O}/chain.o ${NAMES} ${DER} ${JSON} ${O}/sandbox.o ${CRYPTO}
${B}/cert-verify: src/cert-verify.c ${certverify}
	${LD} src/cert-verify.c ${certverify} -lcrypto
clockcheck = ${HTTP} ${O}/client.o ${JSON} ${O}/sandbox.o ${CRYPTO}
${B}/clock-check: src/clock-check.c ${clockcheck}
	${LD} src/clock-check.c ${clockcheck} -lcurl -lssl -lcrypto
crlcheck = ${O}/crljudge.o ${O}/crltrust.o ${O}/crl.o ${DER} ${JSON} \
	${O}/sandbox.o ${CRYPTO}
${B}/crl-check: src/crl-check.c ${crlcheck}
	${LD} src/crl-check.c ${crlcheck} -lcrypto
crlfetch = ${O}/crlcache.o ${O}/crl.o ${O}/crltrust.o ${HTTP} ${O}/sandbox.o \
	${DER} ${JSON} ${O}/pem.o ${O}/key.o ${O}/ossl.o ${FILE}
${B}/crl-fetch: src/crl-fetch.c ${crlfetch}
	${LD} src/crl-fetch.c ${crlfetch} -lcurl -lcrypto
STORE = ${O}/store.o ${O}/storegen.o ${O}/storelink.o ${O}/io.o ${U}
${B}/cert-commit: src/cert-commit.c ${STORE}
	${LD} src/cert-commit.c ${STORE}
PAIR = ${O}/pair.o ${O}/chain.o ${NAME} ${O}/pem.o ${O}/key.o ${O}/ossl.o
certdeploy = ${O}/pfx.o ${PAIR} ${STORE}
${B}/cert-deploy: src/cert-deploy.c ${certdeploy}
	${LD} src/cert-deploy.c ${certdeploy} -lcrypto
certrollback = ${PAIR} ${STORE}
${B}/cert-rollback: src/cert-rollback.c ${certrollback}
	${LD} src/cert-rollback.c ${certrollback} -lcrypto
acmeaccount = ${O}/eab.o ${ACME}
${B}/acme-account: src/acme-account.c ${acmeaccount}
	${LD} src/acme-account.c ${acmeaccount} -lcurl -ljansson -lcrypto
acmeorder = ${ORDER} ${ACME}
${B}/acme-order: src/acme-order.c ${acmeorder}
	${LD} src/acme-order.c ${acmeorder} -lcurl -ljansson -lssl -lcrypto
acmerevoke = ${O}/reason.o ${ACME}
${B}/acme-revoke: src/acme-revoke.c ${acmerevoke}
	${LD} src/acme-revoke.c ${acmerevoke} -lcurl -ljansson -lcrypto
acmerenewal = ${O}/ari.o ${ACME}
${B}/acme-renewal-info: src/acme-renewal-info.c ${acmerenewal}
	${LD} src/acme-renewal-info.c ${acmerenewal} -lcurl -ljansson -lcrypto
EST = ${O}/estsession.o ${O}/client.o ${O}/est.o ${O}/estbody.o ${HTTP} \
	${O}/sandbox.o ${CRYPTO}
estcacerts = ${O}/chain.o ${NAMES} ${EST}
${B}/est-cacerts: src/est-cacerts.c ${estcacerts}
	${LD} src/est-cacerts.c ${estcacerts} -lcurl -lcrypto
estcsrattrs = ${O}/csrattrs.o ${JSON} ${EST}
${B}/est-csrattrs: src/est-csrattrs.c ${estcsrattrs}
	${LD} src/est-csrattrs.c ${estcsrattrs} -lcurl -lcrypto
estenroll = ${O}/estenroll.o ${O}/chain.o ${NAMES} ${EST}
${B}/est-enroll: src/est-enroll.c ${estenroll}
	${LD} src/est-enroll.c ${estenroll} -lcurl -lcrypto
http01serve = ${O}/http01.o ${O}/serve.o ${O}/listen.o ${O}/sandbox.o ${O}/io.o ${U}
${B}/http01-serve: src/http01-serve.c ${http01serve}
	${LD} src/http01-serve.c ${http01serve}
tlspeek = ${O}/dial.o ${O}/sandbox.o ${CRYPTO}
${B}/tls-peek: src/tls-peek.c ${tlspeek}
	${LD} src/tls-peek.c ${tlspeek} -lssl -lcrypto
OTT = ${O}/ott.o ${O}/jws.o ${O}/b64.o ${NAMES} ${JSON} ${O}/sandbox.o ${CRYPTO}
STEP = ${O}/stepsession.o ${O}/stepca.o ${O}/client.o ${O}/chain.o ${O}/json.o \
	${HTTP} ${OTT}
${B}/step-ott: src/step-ott.c ${OTT}
	${LD} src/step-ott.c ${OTT} -lcrypto
steprevoke = ${O}/reason.o ${STEP}
${B}/step-revoke: src/step-revoke.c ${steprevoke}
	${LD} src/step-revoke.c ${steprevoke} -lcurl -ljansson -lcrypto
${B}/step-sign: src/step-sign.c ${STEP}
	${LD} src/step-sign.c ${STEP} -lcurl -ljansson -lcrypto
filereplace = ${FILE}
${B}/file-replace: src/file-replace.c ${filereplace}
	${LD} src/file-replace.c ${filereplace}
logjson = ${JSON} ${O}/sandbox.o ${O}/io.o ${U}
${B}/log-json: src/log-json.c ${logjson}
	${LD} src/log-json.c ${logjson}
csrcheck = ${O}/csrpolicy.o ${O}/csrfacts.o ${O}/addrlist.o ${O}/keyval.o \
	${NAME} ${DER} ${JSON} ${O}/sandbox.o ${CRYPTO}
${B}/csr-check: src/csr-check.c ${csrcheck}
	${LD} src/csr-check.c ${csrcheck} -lcrypto
whitelistcheck = ${O}/addrlist.o ${O}/sandbox.o ${O}/io.o ${U}
${B}/whitelist-check: src/whitelist-check.c ${whitelistcheck}
	${LD} src/whitelist-check.c ${whitelistcheck}
estra = ${O}/estra.o ${O}/estraauth.o ${O}/estraenroll.o ${O}/estraca.o \
	${O}/estralimit.o ${O}/estconf.o ${O}/estbody.o ${O}/esttoken.o \
	${O}/estqueue.o ${O}/csrpolicy.o ${O}/csrfacts.o ${O}/addrlist.o \
	${O}/keyval.o \
	${O}/crljudge.o ${O}/crltrust.o ${O}/crl.o ${O}/chain.o ${DER} \
	${O}/ott.o ${O}/jws.o ${O}/b64.o ${O}/cgi.o ${NAMES} ${JSON} \
	${O}/sandbox.o ${O}/pem.o ${O}/key.o ${O}/ossl.o ${FILE}
${B}/est-ra: src/est-ra.c ${estra}
	${LD} src/est-ra.c ${estra} -lcrypto

# modules
MODULES = acme acmeaccount acmeauthz acmechain acmejournal acmeneworder \
	acmeorder acmeproblem acmesession addrlist agentconf agentcross \
	agentdir agentfile agentform agentkey agentthere agentvalue alpn01 ari \
	b64 certlinks certstate certwalk cgi chain cleanup client crl crlcache \
	crljudge crltrust csr csrattrs csrfacts csrpolicy csrwant der dertext \
	dial eab est estbody estconf estenroll estqueue estra estraauth estraca \
	estraenroll estralimit estsession esttoken hook hostset http http01 \
	httpfield httpurl io json jsonw jws key keyval listen name nametext \
	ossl ott pair pem pfx plan reason replace responder sandbox serve \
	signer stepca stepsession store storegen storelink util webroot
OBJS = ${MODULES:%=${O}/%.o}
${O}/acme.o: src/lib/acme.c
${O}/acmeaccount.o: src/lib/acmeaccount.c
${O}/acmeauthz.o: src/lib/acmeauthz.c
${O}/acmechain.o: src/lib/acmechain.c
${O}/acmejournal.o: src/lib/acmejournal.c
${O}/acmeneworder.o: src/lib/acmeneworder.c
${O}/acmeorder.o: src/lib/acmeorder.c
${O}/acmeproblem.o: src/lib/acmeproblem.c
${O}/acmesession.o: src/lib/acmesession.c
${O}/addrlist.o: src/lib/addrlist.c
${O}/agentconf.o: src/lib/agentconf.c
${O}/agentcross.o: src/lib/agentcross.c
${O}/agentdir.o: src/lib/agentdir.c
${O}/agentfile.o: src/lib/agentfile.c
${O}/agentform.o: src/lib/agentform.c
${O}/agentkey.o: src/lib/agentkey.c
${O}/agentthere.o: src/lib/agentthere.c
${O}/agentvalue.o: src/lib/agentvalue.c
${O}/alpn01.o: src/lib/alpn01.c
${O}/ari.o: src/lib/ari.c
${O}/b64.o: src/lib/b64.c
${O}/certlinks.o: src/lib/certlinks.c
${O}/certstate.o: src/lib/certstate.c
${O}/certwalk.o: src/lib/certwalk.c
${O}/cgi.o: src/lib/cgi.c
${O}/chain.o: src/lib/chain.c
${O}/cleanup.o: src/lib/cleanup.c
${O}/client.o: src/lib/client.c
${O}/crl.o: src/lib/crl.c
${O}/crlcache.o: src/lib/crlcache.c
${O}/crljudge.o: src/lib/crljudge.c
${O}/crltrust.o: src/lib/crltrust.c
${O}/csr.o: src/lib/csr.c
${O}/csrattrs.o: src/lib/csrattrs.c
${O}/csrfacts.o: src/lib/csrfacts.c
${O}/csrpolicy.o: src/lib/csrpolicy.c
${O}/csrwant.o: src/lib/csrwant.c
${O}/der.o: src/lib/der.c
${O}/dertext.o: src/lib/dertext.c
${O}/dial.o: src/lib/dial.c
${O}/eab.o: src/lib/eab.c
${O}/est.o: src/lib/est.c
${O}/estbody.o: src/lib/estbody.c
${O}/estconf.o: src/lib/estconf.c
${O}/estenroll.o: src/lib/estenroll.c
${O}/estqueue.o: src/lib/estqueue.c
${O}/estra.o: src/lib/estra.c
${O}/estraauth.o: src/lib/estraauth.c
${O}/estraca.o: src/lib/estraca.c
${O}/estraenroll.o: src/lib/estraenroll.c
${O}/estralimit.o: src/lib/estralimit.c
${O}/estsession.o: src/lib/estsession.c
${O}/esttoken.o: src/lib/esttoken.c
${O}/hook.o: src/lib/hook.c
${O}/hostset.o: src/lib/hostset.c
${O}/http.o: src/lib/http.c
${O}/http01.o: src/lib/http01.c
${O}/httpfield.o: src/lib/httpfield.c
${O}/httpurl.o: src/lib/httpurl.c
${O}/io.o: src/lib/io.c
${O}/json.o: src/lib/json.c
${O}/jsonw.o: src/lib/jsonw.c
${O}/jws.o: src/lib/jws.c
${O}/key.o: src/lib/key.c
${O}/keyval.o: src/lib/keyval.c
${O}/listen.o: src/lib/listen.c
${O}/name.o: src/lib/name.c
${O}/nametext.o: src/lib/nametext.c
${O}/ossl.o: src/lib/ossl.c
${O}/ott.o: src/lib/ott.c
${O}/pair.o: src/lib/pair.c
${O}/pem.o: src/lib/pem.c
${O}/pfx.o: src/lib/pfx.c
${O}/plan.o: src/lib/plan.c
${O}/reason.o: src/lib/reason.c
${O}/replace.o: src/lib/replace.c
${O}/responder.o: src/lib/responder.c
${O}/sandbox.o: src/lib/sandbox.c
${O}/serve.o: src/lib/serve.c
${O}/signer.o: src/lib/signer.c
${O}/stepca.o: src/lib/stepca.c
${O}/stepsession.o: src/lib/stepsession.c
${O}/store.o: src/lib/store.c
${O}/storegen.o: src/lib/storegen.c
${O}/storelink.o: src/lib/storelink.c
${O}/util.o: src/lib/util.c
${O}/webroot.o: src/lib/webroot.c
${OBJS}: ${O}/stamp
	${CC} ${CF} -c -o $@ src/lib/${@F:.o=.c}
${O}/stamp: Makefile ${MODULES:%=src/lib/%.h}
	@mkdir -p ${B} ${O}/unit ${O}/fuzz
	@touch $@

# scripts run from the tree through links
${SCRIPTS:%=bin/%}:
	@mkdir -p bin
	ln -sf ../sh/${@F} $@

# programs of the tests: units, corpus replay, doubles (never with SAN: not
# the program under test)
progs: ${UNITS:%=${O}/unit/%} ${FUZZES:%=${O}/fuzz/%} build/doubles/httpsd
ALLLIBS = -lcurl -ljansson -lssl -lcrypto -lm
${UNITS:%=${O}/unit/%}: ${OBJS} test/unit/*.c test/unit/check.h
	${LD} test/unit/${@F}.c ${OBJS} ${ALLLIBS}
${FUZZES:%=${O}/fuzz/%}: ${OBJS} test/fuzz/*.c
	${LD} test/fuzz/${@F}.c test/fuzz/main.c ${OBJS} ${ALLLIBS}
build/doubles/httpsd: test/doubles/httpsd.c
	@mkdir -p build/doubles
	${CC} -std=c11 -D_GNU_SOURCE ${WARN} -O2 -o $@ test/doubles/httpsd.c \
	    -lssl -lcrypto
deps:
	etc/deps/install run

demo: deps
	${MAKE} all
	bin/demo server

check:
	${MAKE} all progs
	test/run check

lint:
	${MAKE} all
	test/lint

test:
	etc/deps/install test
	${MAKE} all progs
	${MAKE} SAN=1 all progs
	test/run all

test-long:
	etc/deps/install long
	${MAKE} all progs
	test/run long

bench:
	etc/deps/install bench
	${MAKE} all
	test/bench/run

# libFuzzer, FUZZ_SECONDS for each target
FUZZ_SECONDS = 30
fuzz:
	etc/deps/install test
	@mkdir -p build/fuzz
	for t in ${FUZZES}; do mkdir -p build/fuzz/$$t.d && \
	clang -std=c11 -D_GNU_SOURCE -DECA_VERSION='"${VERSION}"' -Isrc/lib -g \
	    -O1 -fsanitize=fuzzer,address,undefined test/fuzz/$$t.c \
	    ${MODULES:%=src/lib/%.c} ${ALLLIBS} -o build/fuzz/$$t && \
	build/fuzz/$$t -max_total_time=${FUZZ_SECONDS} -max_len=16384 \
	    -print_final_stats=1 -artifact_prefix=build/fuzz/ \
	    build/fuzz/$$t.d test/fuzz/corpus/$$t || exit 1; done

# A script lives in libexec beside its lib; the command is a link to it.
install: all
	install -d -m 755 ${DESTDIR}${BINDIR} ${DESTDIR}${LIBEXECDIR}/lib \
	    ${DESTDIR}${LIBEXECDIR}/hooks ${DESTDIR}${DATADIR}/lighttpd \
	    ${DESTDIR}${DATADIR}/certs.d
	for t in ${TOOLS}; do \
	install -m 755 ${B}/$$t ${DESTDIR}${BINDIR}/ || exit 1; done
	for t in ${INSTALLED}; do \
	install -m 755 sh/$$t ${DESTDIR}${LIBEXECDIR}/ && \
	ln -sf ${LIBEXECDIR}/$$t ${DESTDIR}${BINDIR}/$$t || exit 1; done
	install -m 644 sh/lib/*.sh ${DESTDIR}${LIBEXECDIR}/lib/
	install -m 755 etc/hooks/* ${DESTDIR}${LIBEXECDIR}/hooks/
	install -m 644 etc/lighttpd/*.conf ${DESTDIR}${DATADIR}/lighttpd/
	install -d -m 755 ${DESTDIR}${UNITDIR} ${DESTDIR}${SYSUSERSDIR}
	for u in ${SYSTEMD}; do d=${DESTDIR}${UNITDIR}/$$u; \
	sed 's|/usr/local/bin/|${BINDIR}/|g' etc/systemd/$$u >$$d && \
	chmod 644 $$d || exit 1; done
	install -m 644 etc/systemd/eca.sysusers \
	    ${DESTDIR}${SYSUSERSDIR}/eca.conf
	install -m 644 etc/certs.d/* ${DESTDIR}${DATADIR}/certs.d/
	for p in ${PAGES}; do d=${DESTDIR}${MANDIR}/man$${p##*.}; \
	install -d -m 755 $$d && install -m 644 man/$$p $$d/ || exit 1; done

uninstall:
	for t in ${TOOLS} ${INSTALLED}; do rm -f ${DESTDIR}${BINDIR}/$$t; done
	for p in ${PAGES}; do rm -f ${DESTDIR}${MANDIR}/man$${p##*.}/$$p; done
	for u in ${SYSTEMD}; do rm -f ${DESTDIR}${UNITDIR}/$$u; done
	rm -f ${DESTDIR}${SYSUSERSDIR}/eca.conf
	rm -rf ${DESTDIR}${LIBEXECDIR} ${DESTDIR}${DATADIR}

clean:
	rm -rf bin build/plain build/san build/doubles build/fuzz build/demo 

help:
	@echo 'all        build the commands into bin/'
	@echo 'deps       install what running needs'
	@echo 'demo       install what is missing, show the main job'
	@echo 'test       install what is missing, run every test'
	@echo 'test-long  the tests that take hours'
	@echo 'check      the quick tests: lint, units, commands'
	@echo 'lint       shellcheck, manual pages, layout'
	@echo 'bench      measure against the peers'
	@echo 'fuzz       libFuzzer, FUZZ_SECONDS for each parser'
	@echo 'install    into DESTDIR and PREFIX; uninstall takes it back'
	@echo 'clean      remove what was built; build/deps stays'

.PHONY: all progs deps demo check lint test test-long bench fuzz install \
	uninstall clean help

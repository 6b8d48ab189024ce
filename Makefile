# SPDX-License-Identifier: ISC
# eca.  GNU make and BSD make.  A module is one object; the line that links a
# command says which modules and which libraries it needs.  SAN=1 builds the
# same with ASan and UBSan into build/san.

VERSION = 0.1.0
PREFIX = /usr/local
BINDIR = ${PREFIX}/bin
LIBEXECDIR = ${PREFIX}/libexec/eca
MANDIR = ${PREFIX}/share/man
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

TOOLS = acme-order cert-deploy cert-expiry cert-verify file-replace \
	http01-serve log-json mkcsr mkkey tls-peek
SCRIPTS = ca-init demo
PAGES = acme-order.1 ca-init.8 cert-deploy.1 cert-expiry.1 cert-verify.1 \
	demo.1 eca.7 file-replace.1 http01-serve.8 log-json.1 mkcsr.1 \
	mkkey.1 tls-peek.1
UNITS = acme-test der-test http-test json-test jws-test name-test replace-test \
	util-test
FUZZES = fuzz-der fuzz-http fuzz-json fuzz-pem

all: ${TOOLS:%=${B}/%} ${SCRIPTS:%=bin/%}

# commands: modules, then libraries
U = ${O}/util.o
FILE = ${O}/replace.o ${O}/cleanup.o ${O}/io.o ${U}
CRYPTO = ${O}/pem.o ${O}/key.o ${O}/ossl.o ${O}/io.o ${U}
NAMES = ${O}/csr.o ${O}/name.o
JSON = ${O}/jsonw.o
ACME = ${O}/acme.o ${O}/http.o ${O}/json.o ${O}/jws.o ${O}/b64.o \
	${O}/signer.o ${O}/http01.o ${O}/webroot.o

mkkey = ${O}/key.o ${O}/ossl.o ${FILE}
${B}/mkkey: src/mkkey.c ${mkkey}
	${LD} src/mkkey.c ${mkkey} -lcrypto
mkcsr = ${NAMES} ${O}/sandbox.o ${CRYPTO}
${B}/mkcsr: src/mkcsr.c ${mkcsr}
	${LD} src/mkcsr.c ${mkcsr} -lcrypto
certexpiry = ${O}/der.o ${JSON} ${O}/sandbox.o ${CRYPTO}
${B}/cert-expiry: src/cert-expiry.c ${certexpiry}
	${LD} src/cert-expiry.c ${certexpiry} -lcrypto
certverify = ${O}/chain.o ${NAMES} ${JSON} ${O}/sandbox.o ${CRYPTO}
${B}/cert-verify: src/cert-verify.c ${certverify}
	${LD} src/cert-verify.c ${certverify} -lcrypto
certdeploy = ${O}/chain.o ${O}/name.o ${O}/pem.o ${O}/key.o ${O}/ossl.o ${FILE}
${B}/cert-deploy: src/cert-deploy.c ${certdeploy}
	${LD} src/cert-deploy.c ${certdeploy} -lcrypto
acmeorder = ${ACME} ${O}/chain.o ${NAMES} ${JSON} ${O}/sandbox.o ${O}/pem.o \
	${O}/key.o ${O}/ossl.o ${FILE}
${B}/acme-order: src/acme-order.c ${acmeorder}
	${LD} src/acme-order.c ${acmeorder} -lcurl -ljansson -lcrypto
http01serve = ${O}/http01.o ${O}/sandbox.o ${O}/io.o ${U}
${B}/http01-serve: src/http01-serve.c ${http01serve}
	${LD} src/http01-serve.c ${http01serve}
tlspeek = ${O}/sandbox.o ${CRYPTO}
${B}/tls-peek: src/tls-peek.c ${tlspeek}
	${LD} src/tls-peek.c ${tlspeek} -lssl -lcrypto
filereplace = ${O}/sandbox.o ${FILE}
${B}/file-replace: src/file-replace.c ${filereplace}
	${LD} src/file-replace.c ${filereplace}
logjson = ${JSON} ${O}/sandbox.o ${O}/io.o ${U}
${B}/log-json: src/log-json.c ${logjson}
	${LD} src/log-json.c ${logjson}

# modules
MODULES = acme b64 chain cleanup csr der http http01 io json jsonw jws key \
	name ossl pem replace sandbox signer util webroot
HEADERS = ${MODULES:%=src/lib/%.h}
${O}/acme.o: src/lib/acme.c
${O}/b64.o: src/lib/b64.c
${O}/chain.o: src/lib/chain.c
${O}/cleanup.o: src/lib/cleanup.c
${O}/csr.o: src/lib/csr.c
${O}/der.o: src/lib/der.c
${O}/http.o: src/lib/http.c
${O}/http01.o: src/lib/http01.c
${O}/io.o: src/lib/io.c
${O}/json.o: src/lib/json.c
${O}/jsonw.o: src/lib/jsonw.c
${O}/jws.o: src/lib/jws.c
${O}/key.o: src/lib/key.c
${O}/name.o: src/lib/name.c
${O}/ossl.o: src/lib/ossl.c
${O}/pem.o: src/lib/pem.c
${O}/replace.o: src/lib/replace.c
${O}/sandbox.o: src/lib/sandbox.c
${O}/signer.o: src/lib/signer.c
${O}/util.o: src/lib/util.c
${O}/webroot.o: src/lib/webroot.c
${MODULES:%=${O}/%.o}: Makefile ${O}/stamp
	${CC} ${CF} -c -o $@ src/lib/${@F:.o=.c}
${O}/stamp: ${HEADERS}
	@mkdir -p ${B} ${O}/unit ${O}/fuzz bin
	@touch $@

# scripts run from the tree through links
${SCRIPTS:%=bin/%}:
	@mkdir -p bin
	ln -sf ../sh/${@F} $@

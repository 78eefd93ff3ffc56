# Building, testing and measuring tracelark. make alone lists the goals.

GO       ?= go
FUZZTIME ?= 30s

ifneq ($(shell uname -s) $(shell uname -m),Linux x86_64)
$(error tracelark runs on Linux on x86-64, this is $(shell uname -s) on $(shell uname -m))
endif

.PHONY: help demo build test bench fuzz storm compare campaign targets screenshots deps

help:
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile

demo: ## run the first example; needs Go alone
	$(GO) run ./cmd/tracelark run examples/crash.star examples/targets/crash

build: ## build bin/tracelark, a static binary
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/tracelark ./cmd/tracelark

test: deps ## check format, vet, lint and go.mod, and test, with the race detector too
	@files=$$("$$($(GO) env GOROOT)/bin/gofmt" -l .) && \
	if [ -n "$$files" ]; then echo "gofmt -w these:" $$files; exit 1; fi
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	$(GO) mod tidy -diff
	CGO_ENABLED=0 $(GO) test -timeout 20m ./...
	CGO_ENABLED=1 $(GO) test -timeout 20m -race ./...

bench: deps ## measure the engine, bare ptrace in C and gdb's Python
	@mkdir -p bin
	gcc -O2 -o bin/cloop tracer/testdata/cloop.c
	gcc -g -O0 -o bin/count examples/targets/count.c
	bin/cloop
	bin/cloop pin
	gdb -nx -batch -x tracer/testdata/gdbstop.py --args bin/count
	$(GO) test -timeout 60m -run '^$$' -bench . -benchmem ./...

fuzz: ## fuzz each parser for FUZZTIME, 30s unless told
	@grep -ro '^func Fuzz[A-Za-z0-9_]*' --include='*_test.go' . | while IFS=: read -r file func; do \
		echo "$${file%/*} $${func#func }"; \
		$(GO) test -run '^$$' -fuzz "^$${func#func }\$$" -fuzztime $(FUZZTIME) "$${file%/*}" || exit 1; \
	done

storm: deps ## attach and detach 10000 times in a storm, and kill tracer and target 1000 times
	$(GO) test -count=1 -timeout 30m -v -run '^TestStorm$$' ./tracer -storm 10000
	$(GO) test -count=1 -timeout 30m -v -run '^TestKills$$' ./cmd/tracelark -storm 1000

compare: deps ## compare stacks and values of many programs at many stops with gdb's
	$(GO) test -count=1 -timeout 120m -v -run '^TestCompare$$' ./tracer -compare 30

campaign: build deps ## fuzz a parser with planted bugs with AFL++ for FUZZTIME, and triage what it finds
	rm -rf bin/campaign && mkdir -p bin/campaign/in
	afl-cc -g -O0 -pthread -DCRASHES_ONLY -o bin/campaign/parser cmd/tracelark/testdata/parser.c
	gcc -g -O0 -pthread -fstack-protector-all -o bin/campaign/plain cmd/tracelark/testdata/parser.c
	printf 'a.b.' > bin/campaign/in/seed
	-AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_NO_UI=1 timeout -s INT $(FUZZTIME) \
		afl-fuzz -t 200 -i bin/campaign/in -o bin/campaign/out -- bin/campaign/parser @@
	bin/tracelark triage --timeout 1 --rss 256 -o bin/campaign/report bin/campaign/out -- bin/campaign/plain @@

targets: deps ## rebuild examples/targets/crash, the one binary in the repository
	sed -n '1s,^// ,,p' examples/targets/crash.c | sh -e

screenshots: deps ## draw the pictures of README anew
	$(GO) test -count=1 -run '^TestScreenshots$$' ./cmd/tracelark -screenshots

# The packages of Debian and Ubuntu that tests need, each with a test for it.
deps:
	@missing=; \
	want() { package=$$1; shift; "$$@" >/dev/null 2>&1 || missing="$$missing $$package"; }; \
	want gcc command -v gcc; \
	want g++ command -v g++; \
	want libc6-dbg test -d /usr/lib/debug/.build-id; \
	want libc6-dev test -e /usr/include/stdio.h; \
	want binutils command -v objdump; \
	want gdb command -v gdb; \
	want chromium command -v chromium; \
	want lldb command -v lldb; \
	want clang command -v clang; \
	want libc++-dev sh -c 'ls /usr/lib/*/libc++.so'; \
	want libc++abi-dev sh -c 'ls /usr/lib/*/libc++abi.so'; \
	want lld command -v ld.lld; \
	want rustc command -v rustc; \
	want redis-tools test -e /usr/bin/redis-check-rdb; \
	want sqlite3 command -v sqlite3; \
	want git command -v git; \
	want llvm command -v llvm-dwp; \
	want pahole command -v pahole; \
	want dwz command -v dwz; \
	want python3 command -v python3; \
	want strace command -v strace; \
	want tmux command -v tmux; \
	want libclang-rt-dev sh -c 'test -e "$$(clang -print-file-name=libclang_rt.msan-x86_64.a)"'; \
	want bash command -v bash; \
	want vim command -v vim; \
	want less command -v less; \
	want xz-utils command -v xz; \
	want afl++ command -v afl-fuzz; \
	[ -n "$$missing" ] || exit 0; \
	if [ "$$(id -u)" = 0 ]; then sudo=; else sudo="sudo -n"; fi; \
	if ! command -v apt-get >/dev/null || ! $$sudo true 2>/dev/null; then \
		echo "install these first (names as in Debian):$$missing"; exit 1; \
	fi; \
	$$sudo apt-get update -q && \
	$$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $$missing

# Settings, for example: make test-crash CRASH_FOR=30m
CRASH_FOR ?= 3m
FUZZ_FOR  ?= 10s
DEMO      ?=
BENCH     ?=
PREFIX    ?= /usr/local
DESTDIR   ?=
RESULTS   ?= testdata/bench/results.json

# The race detector needs a C compiler; without one the tests run without it.
RACE := $(if $(shell command -v "$$(go env CC)" 2>/dev/null),-race)
# It lets each process sleep for a second at its exit, and tests start many.
export GORACE ?= atexit_sleep_ms=50

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)

.PHONY: help build install deb docs demo test test-short test-crash bench chart bench-keys bench-top bench-metrics bench-queue fuzz lint check fmt clean

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## Build bin/holdfast, which needs no libraries.
	CGO_ENABLED=0 go build -trimpath -ldflags '-X main.version=$(VERSION)' -o bin/holdfast ./cmd/holdfast

install: build ## Install below PREFIX=/usr/local, with units, man page and completions (DESTDIR= for another root).
	cmd/holdfast/packaging/stage bin/holdfast '$(DESTDIR)' '$(PREFIX)'

deb: build ## Build bin/holdfast.deb for this machine's architecture.
	cmd/holdfast/packaging/deb bin/holdfast '$(VERSION)' bin/holdfast.deb

docs: ## Write the command reference, the man page and the description of the socket anew.
	@mkdir -p bin
	go run ./cmd/holdfast manual --format markdown > bin/REFERENCE.md && mv bin/REFERENCE.md cmd/holdfast/REFERENCE.md
	go run ./cmd/holdfast manual --format man > bin/holdfast.1 && mv bin/holdfast.1 cmd/holdfast/packaging/holdfast.1
	@go test -count=1 -run TestOpenAPIIsFresh ./bridge/admin -update > /dev/null

demo: ## Watch it work: an embedded broker, a skewed stream, a summary with proofs (DEMO='--crash').
	go run ./cmd/holdfast demo $(DEMO)

test: ## Run all tests. Those against a real Kafka need Java 17 and Maven, and are skipped without.
	@command -v java >/dev/null && command -v mvn >/dev/null || \
		echo 'java or mvn is missing: the tests against a real Kafka are skipped (packages openjdk-17-jdk-headless and maven)'
	go test $(RACE) -timeout 30m ./...

test-short: ## Run the tests that take milliseconds, without a real Kafka.
	go test -short -timeout 5m ./...

test-crash: ## Kill a bridge under load at random moments for CRASH_FOR=3m and judge what was seen.
	go test -count=1 -v -timeout 2h -run '^TestKill' ./bridge/internal/crashtest -for $(CRASH_FOR)

bench: ## Measure beside bare sarama and Parallel Consumer on a real Kafka (BENCH='-short -json FILE -cpuprofile DIR -only REGEXP -systems REGEXP').
	@HOLDFAST_REQUIRE_KAFKA=1 go test -run '^$$' -bench '^BenchmarkSystems$$' -benchtime 1x -timeout 2h ./bridge/internal/bench -args $(BENCH)

chart: ## Draw what `make bench BENCH='-json RESULTS'` measured, beside RESULTS=testdata/bench/results.json.
	@go run ./bridge/internal/bench/chart -only ', keys: 10000$$' $(RESULTS) > $(RESULTS:.json=.svg)

bench-keys: ## Measure keys beside a hot and a stuck one against the same without these: the ratio is to be 0.95 at least.
	go test -run '^$$' -bench '^BenchmarkOthersBesideAHotAndAStuckKey$$' -benchtime 1x -timeout 30m ./bridge

bench-top: ## Measure a bridge beside operators who watch it against the same without them: the ratio is to be 0.97 at least.
	go test -run '^$$' -bench '^BenchmarkBesideOperators$$' -benchtime 1x -timeout 30m ./cmd/holdfast

bench-metrics: ## Measure a bridge with metrics that are scraped against the same without them, and print the ratio.
	go test -run '^$$' -bench '^BenchmarkWithMetrics$$' -benchtime 1x -timeout 30m ./cmd/holdfast

bench-queue: ## Measure the queue beside bare bbolt.
	go test -run '^$$' -bench . -benchtime 1x -timeout 30m ./queue

fuzz: ## Run each fuzzer for FUZZ_FOR=10s.
	@go list ./... | while read -r pkg; do \
		go test -list '^Fuzz' "$$pkg" | grep '^Fuzz' | while read -r name; do \
			echo "$$name in $$pkg"; \
			go test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZ_FOR) "$$pkg" || exit 1; \
		done || exit 1; \
	done

lint: ## Check formatting, go vet and staticcheck.
	@unformatted="$$(gofmt -s -l $$(git ls-files -co --exclude-standard '*.go'))"; \
	if [ -n "$$unformatted" ]; then echo "run make fmt, these are not formatted:"; echo "$$unformatted"; exit 1; fi
	go vet ./...
	go tool staticcheck ./...

check: lint ## lint, and the rules of the tree: its top level, its imports, a tidy go.mod.
	.ci/check

fmt: ## Format the code.
	gofmt -s -w $$(git ls-files -co --exclude-standard '*.go')

clean: ## Remove what the other targets made.
	rm -rf bin data holdfast

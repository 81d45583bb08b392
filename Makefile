# make run            everything at once, with the sample archive; FROM=~/exports takes your own, ONCE=1 ends afterwards;
#                     ACCOUNT=alice ZONE=Europe/Moscow say what the exports do not
# make test           every test, with real servers; installs what it needs
# make test-restore   bus, database or both put back to an earlier state while files are imported, 30 times; RUNS=100 for more,
#                     SEED=1 repeats one; make test does it three times
# make test-diff      10,000 random chats in every format, layout and encoding that is read, compared with what was written; CHATS=500 for
#                     fewer, SEED=1 begins with another; make test does 100
# make lab            three etcd, three PostgreSQL under Patroni, three NATS and all roles, each on a host of its own, on this
#                     machine (needs Linux and root); STRICT=1 loses nothing; make lab-down ends it
# make test-ha        every bad day in the lab, once, in both profiles: the better part of an hour; RUNS=5 for medians, CASES=crash
#                     for some of them; TABLE=ha.md writes the table, and the rows beside it
# make test-ha-short  seven of them, less than twenty minutes
# make bench          a million messages and what they cost, beside what the machine can do: half an hour and 10 GB; RUNS=5 for other
#                     medians, MESSAGES=100000 for a quick look, LARGE=10000000 for memory at ten million too, JSON=bench.json
# make build engines lint clean

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := build

GO      ?= go
BIN     := bin/agrichat
ENGINES ?= .engines
DATA    ?= .agrichat

# What vets, and what the tests of the lab run, is compiled as build compiles: it is compiled once.
PLAIN := CGO_ENABLED=0 $(GO)

# Tests run in packages, which are other folders.
export AGRICHAT_ENGINES := $(abspath $(ENGINES))

# What `make run` calls: the sample, or the files that FROM names.
FROM_PATH := $(FROM:~/%=$(HOME)/%)
SAID      := $(if $(ACCOUNT),--account "$(ACCOUNT)") $(if $(ZONE),--zone "$(ZONE)")
RUN_CMD   ?= $(BIN) $(if $(FROM),up --import "$(FROM_PATH)",demo) --data $(DATA) $(if $(ONCE),--once) $(SAID)
BENCH     := bin/agrichat-bench
BENCH_CMD ?= $(BENCH)
BENCH_SAID := $(if $(RUNS),--runs $(RUNS)) $(if $(MESSAGES),--messages $(MESSAGES)) $(if $(LARGE),--large $(LARGE))

# CI must not pass by skipping.
ifneq ($(CI),)
export REQUIRE_REAL := 1
endif

# The race detector needs a C compiler; two packages at a time, because their servers share the machine. A package that
# hangs ends before the 25 minutes that all tests take. What a test would vet of its package is a part of what lint vets.
CC_FOUND   := $(shell command -v "$$($(GO) env CC)" 2>/dev/null)
RACE       := $(if $(CC_FOUND),-race)
TEST_FLAGS ?= $(RACE) -vet=off -shuffle=on -p 2 -timeout 25m
PACKAGES   ?= ./...
FOLDERS    := main.go consumers internal producers schemas

.PHONY: build
build:
	CGO_ENABLED=0 $(GO) build -trimpath -o $(BIN) .

# The program fetches its engines itself, once: the exact versions and hashes are part of it.
.PHONY: engines
engines: build
	$(BIN) engines

.PHONY: run
run: build engines
	$(RUN_CMD)

.PHONY: servers
servers:
	.ci/servers

.PHONY: test
test: build engines servers
	$(if $(RACE),,@echo "no C compiler: the race detector is off")
	$(if $(RACE),CGO_ENABLED=1) TESTENV_PROGRAM=$(abspath $(BIN)) PATH="$$PATH:/usr/sbin:/sbin" $(GO) test $(TEST_FLAGS) $(PACKAGES)

.PHONY: test-restore
test-restore: build engines
	RESTORE_RUNS=$(or $(RUNS),$(if $(SEED),1,30)) RESTORE_SEED=$(SEED) $(GO) test -count=1 -v -timeout 4h -parallel 4 -run TestRestore ./internal/crashtest

.PHONY: test-diff
test-diff:
	AGRICHAT_DIFF_CHATS=$(or $(CHATS),10000) AGRICHAT_DIFF_SEED=$(or $(SEED),1) $(GO) test -count=1 -v -timeout 4h ./internal/difftest

.PHONY: bench
bench: build engines
	CGO_ENABLED=0 $(GO) build -trimpath -o $(BENCH) ./internal/bench/cmd
	$(BENCH_CMD) $(BENCH_SAID) $(if $(JSON),--output json >"$(JSON)")

.PHONY: lab
lab:
	@.ci/lab
	@$(MAKE) --no-print-directory build engines
	@PATH="$$PATH:/usr/sbin:/sbin" $(GO) run ./internal/labtest/lab up

.PHONY: lab-down
lab-down:
	@PATH="$$PATH:/usr/sbin:/sbin" $(GO) run ./internal/labtest/lab down

# One test at a time: one lab fits on a machine.
HA_TEST = PATH="$$PATH:/usr/sbin:/sbin" AGRICHAT_LAB=1 $(PLAIN) test -trimpath -count=1 -p 1 -v

.PHONY: test-ha
test-ha:
	@.ci/lab
	@$(MAKE) --no-print-directory build engines
	HA_RUNS=$(RUNS) HA_CASES='$(CASES)' HA_TABLE=$(abspath $(TABLE)) $(HA_TEST) -timeout 24h -run TestFailover ./internal/hatest
	$(HA_TEST) -timeout 10m -run TestWatchdog_move ./internal/bus

.PHONY: test-ha-short
test-ha-short:
	@.ci/lab
	@$(MAKE) --no-print-directory build engines
	$(HA_TEST) -timeout 10m -run 'TestEnds|TestOperations|TestRoles' ./internal/labtest
	HA_SHORT=1 HA_TABLE=$(abspath $(TABLE)) $(HA_TEST) -timeout 40m -run TestFailover ./internal/hatest

# staticcheck and govulncheck are tools of go.mod: nothing is installed. The product's binary does not link them.
.PHONY: lint vet analyse
lint: vet analyse

vet:
	@unformatted="$$(gofmt -l $(FOLDERS))"; \
	if [ -n "$$unformatted" ]; then echo "not formatted:"; echo "$$unformatted"; exit 1; fi
	$(PLAIN) vet -trimpath $(PACKAGES)

analyse: build
	GOFLAGS=-trimpath $(PLAIN) tool staticcheck $(PACKAGES)
	GO="$(GO)" .ci/vuln $(BIN)

.PHONY: clean
clean:
	rm -rf bin
	$(GO) clean -testcache

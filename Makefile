# Each target calls a script in scripts/; read there what it does.
# ARGS goes to the script: make test ARGS='--filter ServalSessionsTests', make bench ARGS=--quick
SHELL := /bin/bash
.DEFAULT_GOAL := help
ARGS ?=

.PHONY: help run build test test-traits test-stores test-tls bench soak fuzz format lint docs clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: ## Build for release, make run/ if it is missing, serve on 8080 and 8443
	@scripts/run $(ARGS)

build: ## Build the release binaries serval and serval-keytool
	@scripts/build $(ARGS)

test: ## Build and run all tests
	@scripts/test $(ARGS)

test-traits: ## Build with the package traits NIOSSL and Hummingbird and run their tests
	@scripts/test-traits $(ARGS)

test-stores: ## The long form of the session stores' tests: many sessions, many kills
	@scripts/test-stores $(ARGS)

test-tls: ## Have sslyze, testssl.sh and sslscan look at the TLS connectors
	@scripts/test-tls $(ARGS)

bench: ## Measure Serval beside nginx and Tomcat 10 on this machine
	@scripts/bench $(ARGS)

soak: ## Reload certificates 1,000 times under load, make 200,000 handshakes, and watch memory
	@scripts/soak $(ARGS)

fuzz: ## Feed every parser with hostile bytes, ten minutes each
	@scripts/fuzz $(ARGS)

format: ## Format all Swift files in place
	@scripts/format

lint: ## Check formatting, scripts and sizes of files
	@scripts/lint

docs: ## Write the API documentation to .build/docs
	@scripts/docs $(ARGS)

clean: ## Delete what was built (run/ stays)
	@scripts/clean

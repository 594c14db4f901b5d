# The door for people: what to type. Meson builds (meson.build); this file only calls it and the scripts.
.DEFAULT_GOAL := help
.PHONY: help demo check check-fast bench bench-codec model fuzz build lint clean
ARGS ?=
FUZZ_SECONDS ?= 60
export LINK

help: ## this list
	@echo "make TARGET, where TARGET is one of:"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1	\2/p' $(MAKEFILE_LIST) | expand -t 16

demo: ## two users talk through a pair of daemons and a real Synapse; ARGS=--once ends by itself; HOMESERVER=https://… uses yours; LINK=100bps|300bps|hf|lora|2g|geo puts a thin link between
	@scripts/setup demo
	@scripts/build build
	@exec .venv/bin/python scripts/demo $(ARGS)

check: ## all tests and lint; installs what is missing; ends with the counts
	@scripts/setup build test lint
	@exec scripts/check $(ARGS)

check-fast: ## the same without Synapse, long tests and slow lint: under two minutes
	@scripts/setup build test
	@exec scripts/check --fast $(ARGS)

bench: ## bytes, datagrams and requests per second of the standard session; the table is kept in bench/
	@scripts/setup bench
	@BUILDTYPE=release scripts/build build-bench
	@exec .venv/bin/python bench/run --build build-bench $(ARGS)

model: ## trains the model's tables from corpus/ and says their ID
	@scripts/setup build
	@scripts/build build
	@od -An -tx8 -j16 -N8 build/tools/model/model-tables.bin

bench-codec: ## bytes and speed of the model coding beside other coders, against the targets; the table is kept in bench/
	@scripts/setup bench
	@BUILDTYPE=release scripts/build build-bench
	@exec bench/codec-figures --build build-bench $(ARGS)

fuzz: ## every libFuzzer target for FUZZ_SECONDS (60) each
	@scripts/setup build test
	@exec scripts/fuzz $(FUZZ_SECONDS) $(ARGS)

lint: ## clang-tidy, cppcheck, gcc -fanalyzer, banned functions, direction of includes
	@scripts/setup build lint
	@exec scripts/lint

build: ## the programs: build/src/daemon/thimble and build/src/relay/thimble-link
	@scripts/setup build
	@scripts/build build

clean: ## removes what was built, the demo's state and logs; keeps .venv
	rm -rf build build-* .demo

# The commands that people type. `make demo` and `make test` install what is missing first.

.DEFAULT_GOAL := help
.PHONY: help demo test soak bench mutate fuzz setup setup-build

help: ## what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: setup-build ## the main job on virtual parts: card, phone, DM server
	cargo build --locked --bin bootgate
	target/debug/bootgate rehearse --route card

test: setup ## all tests, those against real peers included
	cargo test --locked

soak: setup ## 1,000 virtual cards in 16 readers, UICCs, SIMs and UICCs with faulty ones; 10,000 pushes through a gateway that is killed; recoveries cut off in every state
	BOOTGATE_SOAK=1 cargo test --locked --test soak -- --nocapture
	cargo test --locked --lib -- card::tests::cuts --ignored --nocapture

bench: ## benchmarks, the comparisons with libwbxml2 and Kannel among them
	@tests/peers/install build test bench
	cargo bench --locked --bench main

mutate: setup-build ## a minute of octets changed at random on every decoder
	BOOTGATE_FUZZ_SECONDS=$${SECONDS_IN_ALL:-60} cargo test --locked --no-default-features --profile fuzz --test fuzz

fuzz: ## the same under libFuzzer, which follows coverage: EACH=6 seconds for every target; needs nightly
	@tests/peers/install build fuzz
	BOOTGATE_FUZZ_SEEDS=tests/fuzz/corpus cargo test --locked --no-default-features --profile fuzz --test fuzz write_seeds
	cargo +nightly fuzz build --fuzz-dir tests/fuzz
	set -e; targets=$$(cargo +nightly fuzz list --fuzz-dir tests/fuzz); \
	test -n "$$targets" || { echo "no fuzz target is listed; expected those of tests/fuzz/Cargo.toml" >&2; exit 1; }; \
	for target in $$targets; do \
	    cargo +nightly fuzz run --fuzz-dir tests/fuzz $$target -- -max_total_time=$${EACH:-6} -max_len=4096 -timeout=10; \
	done

setup-build:
	@tests/peers/install build

setup:
	@tests/peers/install build test

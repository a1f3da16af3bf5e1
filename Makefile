# make demo   shows the main job on an image layout in this repository, with no network at run time
# make test   passes the tests
# Both install what they need.

CARGO ?= cargo
POLICIES := refkit-default=default policy-allow-list=allow-list policy-require-label=require-label \
	policy-redirect=redirect policy-newest-tag=newest-tag

.PHONY: all
all: target/release/refkit policies

include tests/tools.mk

# The toolchain of rust-toolchain.toml, with the one target of the guests. RUSTUP_AUTO_INSTALL may be off.
TOOLCHAIN := $(shell sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)
.PHONY: toolchain
toolchain:
	@command -v rustup >/dev/null || { echo "rustup is missing: see https://rustup.rs" >&2; exit 1; }
	@rustup run $(TOOLCHAIN) rustc --version >/dev/null 2>&1 || \
		rustup toolchain install $(TOOLCHAIN) --profile minimal --component rustfmt --component clippy
	@rustup target list --toolchain $(TOOLCHAIN) --installed | grep -qx wasm32-unknown-unknown || \
		rustup target add --toolchain $(TOOLCHAIN) wasm32-unknown-unknown

# wasmtime has a few lines of C.
.PHONY: compiler
compiler:
	@command -v cc >/dev/null || { $(AS_ROOT) apt-get update -q && $(AS_ROOT) apt-get install -q -y gcc libc6-dev; }

.PHONY: target/release/refkit
target/release/refkit: toolchain compiler
	$(CARGO) build --release --locked --package refkit-cli

# Leaves the example policies and the default one as target/policies/NAME.wasm.
.PHONY: policies
policies: toolchain compiler
	$(CARGO) run --quiet --release --locked --package refkit-componentize -- target/policies $(POLICIES)

.PHONY: demo
demo: target/release/refkit policies
	@sh tests/demo.sh

.PHONY: test
test: toolchain compiler tools target/release/refkit policies
	$(CARGO) test --release --locked --workspace

.PHONY: bench
bench: toolchain compiler
	$(CARGO) bench --locked --package refkit-tests

.PHONY: lint
lint: toolchain compiler
	$(CARGO) fmt --all --check
	$(CARGO) clippy --release --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --release --locked --workspace --no-deps

.PHONY: clean
clean:
	$(CARGO) clean

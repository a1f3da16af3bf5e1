# make demo   shows the main job on an image layout in this repository, with no network at run time
# make test   passes the tests
# Both install what they need.

CARGO ?= cargo

# The whole workspace is always resolved, whatever is built of it: its crates then share one set of features, and so
# everything below them is compiled once.
BUILD = $(CARGO) build --release --locked --workspace
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
	$(BUILD) --bin refkit

# The frontend that ships policies, for images of this machine's architecture: static, because its container is empty
# but for it.
ARCHITECTURE := $(shell uname -m)
OCI_ARCHITECTURE := $(patsubst aarch64,arm64,$(patsubst x86_64,amd64,$(ARCHITECTURE)))
MUSL := $(ARCHITECTURE)-unknown-linux-musl
.PHONY: frontend
frontend: toolchain compiler musl
	CC_$(subst -,_,$(MUSL))=musl-gcc $(BUILD) --bin refkit-frontend --target $(MUSL)
	strip -o target/release/refkit-frontend-linux-$(OCI_ARCHITECTURE) target/$(MUSL)/release/refkit-frontend

.PHONY: musl
musl:
	@rustup target list --toolchain $(TOOLCHAIN) --installed | grep -qx $(MUSL) || \
		rustup target add --toolchain $(TOOLCHAIN) $(MUSL)
	@command -v musl-gcc >/dev/null || \
		{ $(AS_ROOT) apt-get update -q && $(AS_ROOT) apt-get install -q -y --no-install-recommends musl-tools; }

# Leaves the example policies and the default one as target/policies/NAME.wasm.
.PHONY: policies
policies: toolchain compiler
	$(BUILD) --bin refkit-componentize
	target/release/refkit-componentize target/policies $(POLICIES)

.PHONY: demo
demo: target/release/refkit policies
	@sh tests/demo.sh

.PHONY: test
test: toolchain compiler tools target/release/refkit policies
	$(CARGO) test --release --locked --workspace --exclude refkit-e2e

.PHONY: bench
bench: toolchain compiler
	$(CARGO) bench --locked --workspace --bench resolve

.PHONY: lint
lint: toolchain compiler
	$(CARGO) fmt --all --check
	$(CARGO) clippy --release --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --release --locked --workspace --no-deps

.PHONY: clean
clean:
	$(CARGO) clean

# What the tests need besides cargo. `make tools`: two real registries, nginx to stand before them, other clients of
# registries, containerd's choice of a platform, and BuildKit's message descriptors. `make tools-e2e`: BuildKit, frontends
# for it, and what its builds are made of. `make tools-peers`: the clients that RefKit is measured against. All cost
# nothing once everything is there. Included by the Makefile of the root.

TOOLS := target/tools
DISTRIBUTION_VERSION := v3.0.0
DISTRIBUTION_GO := 1.23
DEBIAN_REGISTRY := /usr/bin/docker-registry
SKOPEO := /usr/bin/skopeo

# The oldest go that fetches the one which a go.mod asks for.
FETCHING_GO := 1.21

# What the recipes for Debian packages begin with. Without root rights and without sudo, apt-get says what is wrong.
AS_ROOT = $(shell [ "$$(id -u)" = 0 ] || command -v sudo)
APT_INSTALL = $(AS_ROOT) env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends

# Ends a recipe of the goal $(1) where Go is missing, or older than $(2).
define needs_go
@command -v go >/dev/null || { \
	echo "make $(1): go is missing; install Go $(2) or newer (https://go.dev/dl/)" >&2; exit 1; }
@have=$$(go env GOVERSION | sed 's/^go//'); \
oldest=$$(printf '%s\n' "$(2)" "$$have" | sort -V | head -n 1); \
[ "$$oldest" = "$(2)" ] || { \
	echo "make $(1): go $$have is too old; install Go $(2) or newer (https://go.dev/dl/)" >&2; exit 1; }
endef

.PHONY: tools
tools: $(TOOLS)/bin/registry $(DEBIAN_REGISTRY) $(TOOLS)/bin/nginx $(addprefix $(TOOLS)/bin/,crane regctl oras) $(SKOPEO) \
	$(TOOLS)/bin/containerd-platforms $(TOOLS)/bin/buildx-imagetools $(TOOLS)/bin/buildkit-descriptors \
	$(TOOLS)/bin/buildkit-images

# The distribution project's registry, release 3. Debian's go is too old for it.
$(TOOLS)/bin/registry:
	$(call needs_go,tools,$(DISTRIBUTION_GO))
	GOBIN="$(CURDIR)/$(TOOLS)/bin" go install github.com/distribution/distribution/v3/cmd/registry@$(DISTRIBUTION_VERSION)

# Release 2.8 of the same, as Debian has it. The program itself is the target, so a target directory that was carried
# to another machine hides nothing.
$(DEBIAN_REGISTRY):
	$(AS_ROOT) apt-get update -q
	$(APT_INSTALL) docker-registry

# The program out of Debian's package, and the libraries that it needs: the package itself would start a server on port
# 80. `openssl` brings the library by whatever name this Debian has for it.
$(TOOLS)/bin/nginx:
	$(AS_ROOT) apt-get update -q
	$(APT_INSTALL) openssl libpcre2-8-0 zlib1g
	rm -rf $(TOOLS)/nginx && mkdir -p $(TOOLS)/nginx $(TOOLS)/bin
	cd $(TOOLS)/nginx && apt-get download -q nginx && dpkg-deb -x nginx_*.deb .
	cp $(TOOLS)/nginx/usr/sbin/nginx $@

# These speak to registries and layouts in the tests, and are measured as peers.
CLIENT_crane := github.com/google/go-containerregistry/cmd/crane@v0.22.1
CLIENT_regctl := github.com/regclient/regclient/cmd/regctl@v0.11.7
CLIENT_oras := oras.land/oras/cmd/oras@v1.3.6
$(addprefix $(TOOLS)/bin/,crane regctl oras): $(TOOLS)/bin/%:
	$(call needs_go,tools,$(FETCHING_GO))
	CGO_ENABLED=0 GOBIN="$(CURDIR)/$(TOOLS)/bin" go install $(CLIENT_$*)

$(SKOPEO):
	$(AS_ROOT) apt-get update -q
	$(APT_INSTALL) skopeo

# What containerd's own library chooses of an index, for the test that compares. go leaves a program alone that would come
# out the same, hence the touch.
PLATFORMS_GO := tests/go/platforms
$(TOOLS)/bin/containerd-platforms: $(addprefix $(PLATFORMS_GO)/,go.mod go.sum) $(wildcard $(PLATFORMS_GO)/*.go)
	$(call needs_go,tools,$(FETCHING_GO))
	mkdir -p $(TOOLS)/bin
	cd $(PLATFORMS_GO) && CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o "$(CURDIR)/$@" .
	touch $@

# What buildx's own code makes of sources, for the test that compares.
IMAGETOOLS_GO := tests/go/imagetools
$(TOOLS)/bin/buildx-imagetools: $(addprefix $(IMAGETOOLS_GO)/,go.mod go.sum) $(wildcard $(IMAGETOOLS_GO)/*.go)
	$(call needs_go,tools,$(FETCHING_GO))
	mkdir -p $(TOOLS)/bin
	cd $(IMAGETOOLS_GO) && CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o "$(CURDIR)/$@" .
	touch $@

# BuildKit and its Dockerfile frontend, of the version in go.mod, and the frontends of the tests.
E2E_GO := tests/e2e/go
E2E_PROGRAMS := $(addprefix $(TOOLS)/bin/,buildkitd buildctl dockerfile-frontend served-build \
	$(notdir $(wildcard $(E2E_GO)/frontend-*)))
E2E_SOURCES := $(E2E_GO)/go.mod $(E2E_GO)/go.sum $(wildcard $(E2E_GO)/frontend-*/*.go $(E2E_GO)/served-build/*.go \
	$(E2E_GO)/internal/*/*.go host/server/go/*.go)
E2E_DEBIAN := /usr/sbin/runc /bin/busybox /usr/bin/git

# The message descriptors of that BuildKit, for the test that compares this project's .proto files with them; and the
# images that its Dockerfile frontend reads, for the test that compares host/dockerfile with it.
OF_BUILDKIT := $(addprefix $(TOOLS)/bin/,buildkit-descriptors buildkit-images)
.SECONDEXPANSION:
$(OF_BUILDKIT): $(TOOLS)/bin/%: $(E2E_GO)/go.mod $(E2E_GO)/go.sum $$(wildcard $(E2E_GO)/$$*/*.go)
	$(call needs_go,tools,$(FETCHING_GO))
	mkdir -p $(TOOLS)/bin
	cd $(E2E_GO) && CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o "$(CURDIR)/$@" ./$*
	touch $@

# `make lint-proto` alone needs it. It takes minutes to build.
BUF := github.com/bufbuild/buf/cmd/buf@v1.75.0
$(TOOLS)/bin/buf:
	$(call needs_go,lint-proto,$(FETCHING_GO))
	CGO_ENABLED=0 GOBIN="$(CURDIR)/$(TOOLS)/bin" go install $(BUF)

.PHONY: tools-e2e
tools-e2e: $(E2E_PROGRAMS) $(E2E_DEBIAN)

# Static, because a frontend's container is empty but for it. go leaves a program alone that would come out the same,
# hence the touch.
$(E2E_PROGRAMS) &: $(E2E_SOURCES)
	$(call needs_go,tools-e2e,$(FETCHING_GO))
	mkdir -p $(TOOLS)/bin
	cd $(E2E_GO) && CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o "$(CURDIR)/$(TOOLS)/bin/" tool ./frontend-... ./served-build
	touch $(E2E_PROGRAMS)

# The program that runs the steps, a root filesystem of one static program, and what git sources are read with.
$(E2E_DEBIAN) &:
	$(AS_ROOT) apt-get update -q
	$(APT_INSTALL) runc busybox-static git

# Builds by a real BuildKit. They need root.
E2E_TESTS := $(patsubst tests/e2e/tests/%/main.rs,%,$(wildcard tests/e2e/tests/*/main.rs))
.PHONY: test-e2e
test-e2e: tools tools-e2e frontend policies
	$(TEST) $(addprefix --test ,$(E2E_TESTS))

# Another client of registries, which RefKit is measured against beside those of the tests. Where it cannot be had, its
# row in the table says that it is missing.
BUILDX_VERSION := v0.38.2
# It knows its version only from whoever builds it.
BUILDX := -ldflags=-X=github.com/docker/buildx/version.Version=$(BUILDX_VERSION) \
	github.com/docker/buildx/cmd/buildx@$(BUILDX_VERSION)

.PHONY: tools-peers
tools-peers: $(addprefix $(TOOLS)/bin/,crane regctl oras buildx) $(SKOPEO)

$(TOOLS)/bin/buildx:
	$(call needs_go,tools-peers,$(FETCHING_GO))
	-CGO_ENABLED=0 GOBIN="$(CURDIR)/$(TOOLS)/bin" go install $(BUILDX)

# Signs images, and verifies at the destination what RefKit copied.
CLIENT_cosign := github.com/sigstore/cosign/v3/cmd/cosign@v3.1.3

.PHONY: tools-parity
tools-parity: $(addprefix $(TOOLS)/bin/,buildx cosign)

$(TOOLS)/bin/cosign:
	$(call needs_go,tools-parity,$(FETCHING_GO))
	CGO_ENABLED=0 GOBIN="$(CURDIR)/$(TOOLS)/bin" go install $(CLIENT_cosign)

# The commands beside other clients, at real registries: what is then there, and the requests that it took. `make test` has
# the part that needs neither buildx nor cosign; the rest is the package refkit-peers.
.PHONY: test-parity
test-parity: tools tools-parity policies
	$(TEST) --test parity -- --nocapture

# Requests and processor time of RefKit and its peers, at a real registry: a table. Nothing in it can fail for being slow.
.PHONY: bench-peers
bench-peers: tools tools-peers policies
	$(CARGO) bench --locked --workspace --bench peers --bench copy

# What comes from strangers, at random: each target of tests/fuzz for FUZZ_SECONDS. Without a sanitizer, which needs
# another toolchain: there is no unsafe code of ours below it. What one run has met, the next one begins with.
FUZZ_SECONDS ?= 60
FUZZ_TARGETS := $(basename $(notdir $(wildcard tests/fuzz/targets/*.rs)))
CARGO_FUZZ_VERSION := 0.13.2

$(TOOLS)/bin/cargo-fuzz:
	env -u CARGO_BUILD_TARGET $(CARGO) install cargo-fuzz --locked --version $(CARGO_FUZZ_VERSION) --root $(TOOLS)

.PHONY: fuzz
fuzz: export CARGO_BUILD_TARGET =
fuzz: toolchain compiler $(TOOLS)/bin/cargo-fuzz
	@command -v c++ >/dev/null || { $(AS_ROOT) apt-get update -q && $(APT_INSTALL) g++; }
	set -e; for target in $(FUZZ_TARGETS); do \
		mkdir -p target/fuzz/corpus/$$target; \
		$(TOOLS)/bin/cargo-fuzz run --fuzz-dir tests/fuzz --sanitizer none --target-dir target/fuzz $$target \
			target/fuzz/corpus/$$target -- -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=1024; \
	done

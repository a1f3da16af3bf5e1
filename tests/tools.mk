# What the tests need besides cargo: two real registries. Included by the Makefile of the root; `make tools` costs
# nothing once everything is there.

TOOLS := target/tools
DISTRIBUTION_VERSION := v3.0.0
DISTRIBUTION_GO := 1.23
DEBIAN_REGISTRY := /usr/bin/docker-registry

# What the recipes for Debian packages begin with. Without root rights and without sudo, apt-get says what is wrong.
AS_ROOT = $(shell [ "$$(id -u)" = 0 ] || command -v sudo)

.PHONY: tools
tools: $(TOOLS)/bin/registry $(DEBIAN_REGISTRY)

# The distribution project's registry, release 3. Debian's go is too old for it.
$(TOOLS)/bin/registry:
	@command -v go >/dev/null || { \
		echo "make tools: go is missing; install Go $(DISTRIBUTION_GO) or newer (https://go.dev/dl/)" >&2; exit 1; }
	@have=$$(go env GOVERSION | sed 's/^go//'); \
	oldest=$$(printf '%s\n' "$(DISTRIBUTION_GO)" "$$have" | sort -V | head -n 1); \
	[ "$$oldest" = "$(DISTRIBUTION_GO)" ] || { \
		echo "make tools: go $$have is too old; install Go $(DISTRIBUTION_GO) or newer (https://go.dev/dl/)" >&2; exit 1; }
	GOBIN="$(CURDIR)/$(TOOLS)/bin" go install github.com/distribution/distribution/v3/cmd/registry@$(DISTRIBUTION_VERSION)

# Release 2.8 of the same, as Debian has it. The program itself is the target, so a target directory that was carried
# to another machine hides nothing.
$(DEBIAN_REGISTRY):
	$(AS_ROOT) apt-get update -q
	$(AS_ROOT) env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends docker-registry

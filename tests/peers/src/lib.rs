//! Tests beside clients whose builds take minutes: `make test-parity` builds the clients and runs them. All is in `tests`.
#![forbid(unsafe_code)]

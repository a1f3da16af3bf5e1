//! Compares the `.proto` files of this crate with the descriptors of BuildKit's Go module, which
//! `tests/e2e/go/buildkit-descriptors` prints.

use std::collections::BTreeSet;
use std::process::Command;

use protox::prost_reflect::{Cardinality, DescriptorPool, FieldDescriptor};

use crate::generate::compiler;

/// Returns a line for each field, each value of an enum, and each method: its name, number and type.
fn ours(pool: &DescriptorPool) -> BTreeSet<String> {
    let fields = pool.all_messages().flat_map(|message| message.fields().map(|field| line(&field)).collect::<Vec<_>>());
    let values = pool.all_enums().flat_map(|kind| {
        let value = |value: protox::prost_reflect::EnumValueDescriptor| {
            format!("{}.{} = {}", kind.full_name(), value.name(), value.number())
        };
        kind.values().map(value).collect::<Vec<_>>()
    });
    let methods = pool.services().flat_map(|service| {
        let method = |method: protox::prost_reflect::MethodDescriptor| {
            format!("{}({}) {}", method.full_name(), method.input().full_name(), method.output().full_name())
        };
        service.methods().map(method).collect::<Vec<_>>()
    });
    fields.chain(values).chain(methods).collect()
}

fn line(field: &FieldDescriptor) -> String {
    let repeated = if field.cardinality() == Cardinality::Repeated { "repeated " } else { "" };
    let oneof = field.containing_oneof().map(|oneof| format!(" of {}", oneof.name())).unwrap_or_default();
    format!("{} = {} {repeated}{:?}{oneof}", field.full_name(), field.number(), field.kind())
}

#[test]
fn names_numbers_and_types_are_those_of_buildkit() {
    let program = refkit_support::tool("buildkit-descriptors").unwrap();
    let output = Command::new(program).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let output = String::from_utf8(output.stdout).unwrap();
    let theirs: BTreeSet<&str> = output.lines().collect();
    let ours = ours(&compiler().descriptor_pool());
    // A field of each package, and a method: the comparison is of something.
    let expected = [
        "fsutil.types.Stat.mode = 2 uint32",
        "google.rpc.Status.details = 3 repeated google.protobuf.Any",
        "moby.buildkit.v1.apicaps.APICap.ID = 1 string",
        "moby.buildkit.v1.frontend.LLBBridge.Solve(moby.buildkit.v1.frontend.SolveRequest) \
         moby.buildkit.v1.frontend.SolveResponse",
        "moby.buildkit.v1.frontend.SolveRequest.SourcePolicies = 15 repeated moby.buildkit.v1.sourcepolicy.Policy",
        "moby.buildkit.v1.sourcepolicy.PolicyAction.CONVERT = 2",
        "moby.buildkit.v1.sourcepolicy.policysession.DecisionResponse.update = 3 pb.SourceOp",
        "pb.Op.source = 3 pb.SourceOp of op",
    ];
    for line in expected {
        assert!(ours.contains(line), "no line {line:?}");
    }
    let foreign: Vec<&String> = ours.iter().filter(|line| !theirs.contains(line.as_str())).collect();
    assert!(foreign.is_empty(), "BuildKit does not have these: {foreign:#?}");
}

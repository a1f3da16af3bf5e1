//! Definitions with one source.

use std::collections::BTreeMap;

use bytes::Bytes;
use prost::Message as _;
use refkit_content::verify;
use refkit_oci::Algorithm;

use crate::pb::{self, op};

/// Returns the definition whose result is one source, byte for byte as BuildKit's `client/llb` encodes it: the operation,
/// and the one that names the result. `name` is the name of the step in the progress of the build, and `capabilities` are
/// those that BuildKit needs.
pub fn single(source: pb::SourceOp, name: &str, capabilities: &[&str]) -> pb::Definition {
    // Go encodes empty constraints as well, and a `oneof` last. Blobs have no platform.
    let constraints = Some(pb::WorkerConstraints::default());
    let mut operation = pb::Op { constraints, ..Default::default() }.encode_to_vec();
    operation.extend(pb::Op { op: Some(op::Op::Source(source)), ..Default::default() }.encode_to_vec());
    let operation = Bytes::from(operation);
    let digest = verify::digest(Algorithm::Sha256, &operation).into_string();
    let input = pb::Input { digest: digest.clone(), index: 0 };
    let result = Bytes::from(pb::Op { inputs: vec![input], ..Default::default() }.encode_to_vec());
    let result_digest = verify::digest(Algorithm::Sha256, &result).into_string();

    let caps = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), true)).collect();
    let description = BTreeMap::from([("llb.customname".to_owned(), name.to_owned())]);
    let of_operation = pb::OpMetadata { description, caps: caps(capabilities), ..Default::default() };
    let of_result =
        pb::OpMetadata { caps: caps(&["constraints", "meta.description", "platform"]), ..Default::default() };
    let metadata = BTreeMap::from([(digest, of_operation), (result_digest, of_result)]);
    pb::Definition { def: vec![operation, result], metadata, source: None }
}

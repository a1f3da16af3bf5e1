//! `Solve` and `ReadFile` of a fake BuildKit.

use bytes::Bytes;
use refkit_buildkit::definition::{self, SourceKind, SourceUse};
use refkit_buildkit::{pb, source_policy};

use super::fake::State;
use super::peer::Reply;

impl State {
    /// Builds a request: reads the one content that RefKit itself asks for, or notes what a frontend's definition reads.
    pub(super) fn solve(&mut self, request: &pb::SolveRequest) -> (String, Reply) {
        self.reads.clear();
        if !request.frontend.is_empty() {
            let source = request.frontend_opt.get("source").cloned().unwrap_or_default();
            self.reads.push(source.clone());
            return (format!("{} {source}", request.frontend), result("frontend"));
        }
        let Some(definition) = &request.definition else { return (String::new(), result("nothing")) };
        let sources = definition::sources(definition).unwrap();
        if let [source] = &sources[..]
            && let SourceKind::Blob(blob) = &source.kind
            && request.evaluate
            && request.source_policies.is_empty()
        {
            return self.content(request, definition, source, blob);
        }
        let policies = [&self.policies[..], &request.source_policies].concat();
        match sources.iter().map(|source| read(source, &policies)).collect::<Result<Vec<_>, _>>() {
            Ok(reads) => {
                self.reads = reads.into_iter().flatten().collect();
                (self.reads.join(" "), result("result"))
            }
            Err(text) => {
                self.reads.push(text.clone());
                (text.clone(), Reply::unknown(&text))
            }
        }
    }

    fn content(
        &self,
        request: &pb::SolveRequest,
        definition: &pb::Definition,
        source: &SourceUse,
        blob: &definition::Blob,
    ) -> (String, Reply) {
        assert!(request.allow_result_return && request.allow_result_array_ref);
        let description = &definition.metadata[source.vertex.as_str()].description["llb.customname"];
        let store = blob.layout.as_ref().map(|store| format!(" in {}/{}", store.id, store.session)).unwrap_or_default();
        let call = format!("{}{store} as {description}", source.identifier);
        if !self.contents.contains_key(blob.digest.as_str()) {
            return (call, Reply::unknown(&format!("failed to load cache key: {}: not found", source.identifier)));
        }
        (call, result(blob.digest.as_str()))
    }

    pub(super) fn read_file(&self, request: &pb::ReadFileRequest) -> (String, Reply) {
        let Some(range) = request.range else { return (String::new(), Reply::Message(Vec::new())) };
        let call = format!("{}+{}", range.offset, range.length);
        let bytes = &self.contents[&request.r#ref];
        assert_eq!(request.r#ref, format!("sha256:{}", request.file_path));
        let start = (range.offset as usize).min(bytes.len());
        let end = (start + range.length as usize).min(bytes.len());
        (call, Reply::message(&pb::ReadFileResponse { data: Bytes::copy_from_slice(&bytes[start..end]) }))
    }
}

/// Returns the identifiers that BuildKit reads for a source after all source policies.
fn read(source: &SourceUse, policies: &[pb::Policy]) -> Result<Vec<String>, String> {
    let mut reads = Vec::new();
    for identifier in definition::policy_identifiers(source) {
        let mut operation = pb::SourceOp { identifier, attrs: source.attrs.clone() };
        source_policy::evaluate(policies, &mut operation).map_err(|error| format!("denied by policy: {error}"))?;
        reads.push(operation.identifier);
    }
    Ok(reads)
}

fn result(id: &str) -> Reply {
    let result = pb::result::Result::Ref(pb::Ref { id: id.to_owned(), def: None });
    let result = pb::Result { result: Some(result), ..Default::default() };
    Reply::message(&pb::SolveResponse { result: Some(result), ..Default::default() })
}

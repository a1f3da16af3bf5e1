//! `CacheImports` of a `Solve`: caches from which BuildKit takes results, in registries too.
//!
//! The client that starts a build names its caches. With any other cache, BuildKit would read content of a registry and
//! take it for a result although no policy has allowed it.

use std::collections::BTreeMap;

use refkit_buildkit::pb;
use serde_json::Value;
use tonic::Status;

use super::refusal::one_line;

/// The caches that the build's options name.
#[derive(Debug, Clone, Default)]
pub struct Caches(Vec<(String, BTreeMap<String, String>)>);

impl Caches {
    /// Returns the caches of the build's options: `cache-imports` is a JSON list, `cache-from` a list of references with
    /// commas between them.
    pub fn of(options: &BTreeMap<String, String>) -> Self {
        let mut caches = Vec::new();
        if let Some(Value::Array(list)) = options.get("cache-imports").and_then(|text| serde_json::from_str(text).ok())
        {
            caches.extend(list.iter().filter_map(entry));
        }
        let references = options.get("cache-from").map(String::as_str).unwrap_or_default();
        for reference in references.split(',').filter(|reference| !reference.is_empty()) {
            caches.push(("registry".to_owned(), BTreeMap::from([("ref".to_owned(), reference.to_owned())])));
        }
        Self(caches)
    }

    /// Checks that the build's options name every cache of a request.
    ///
    /// # Errors
    /// `PERMISSION_DENIED` for the first cache that they do not name.
    pub fn check(&self, imports: &[pb::CacheOptionsEntry]) -> Result<(), Status> {
        let known = |import: &pb::CacheOptionsEntry| {
            self.0.iter().any(|(kind, attrs)| *kind == import.r#type && *attrs == import.attrs)
        };
        match imports.iter().find(|import| !known(import)) {
            None => Ok(()),
            Some(import) => {
                let reference = import.attrs.get("ref").map(|reference| format!(" {reference}")).unwrap_or_default();
                Err(Status::permission_denied(format!(
                    "the frontend takes results from the cache {}{}, which the build's options do not name",
                    one_line(&import.r#type),
                    one_line(&reference)
                )))
            }
        }
    }
}

/// Returns the type and the attributes of a cache in `cache-imports`, whose names may be in lower case.
fn entry(value: &Value) -> Option<(String, BTreeMap<String, String>)> {
    let member = |name: &str| value.get(name).or_else(|| value.get(name.to_lowercase()));
    let kind = member("Type")?.as_str()?.to_owned();
    let attrs = member("Attrs").and_then(Value::as_object);
    let attrs =
        attrs.into_iter().flatten().filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
    Some((kind, attrs.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_caches_of_the_build() {
        let options = BTreeMap::from([
            ("cache-imports".to_owned(), r#"[{"Type":"registry","Attrs":{"ref":"a/b:c"}},{"Type":"gha"}]"#.to_owned()),
            ("cache-from".to_owned(), "d/e,f/g:h".to_owned()),
        ]);
        let caches = Caches::of(&options);
        let import = |kind: &str, attrs: &[(&str, &str)]| pb::CacheOptionsEntry {
            r#type: kind.to_owned(),
            attrs: attrs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        };
        // the import of the request, whether the build's options name it
        let rows = [
            (import("registry", &[("ref", "a/b:c")]), true),
            (import("gha", &[]), true),
            (import("registry", &[("ref", "d/e")]), true),
            (import("registry", &[("ref", "f/g:h")]), true),
            (import("registry", &[("ref", "a/b:d")]), false),
            (import("registry", &[("ref", "a/b:c"), ("insecure", "true")]), false),
            (import("local", &[("ref", "a/b:c")]), false),
            (import("", &[]), false),
        ];
        for (import, wanted) in rows {
            assert_eq!(caches.check(std::slice::from_ref(&import)).is_ok(), wanted, "{import:?}");
        }
        assert!(caches.check(&[]).is_ok());
        let error = Caches::default().check(&[import("registry", &[("ref", "x")])]).unwrap_err();
        assert!(error.message().contains("the cache registry x"), "{error}");
    }

    #[test]
    fn options_that_are_no_json_name_nothing() {
        for text in ["", "{", "{}", "[1]", r#"[{"Attrs":{}}]"#] {
            let options = BTreeMap::from([("cache-imports".to_owned(), text.to_owned())]);
            assert!(Caches::of(&options).0.is_empty(), "{text}");
        }
    }
}

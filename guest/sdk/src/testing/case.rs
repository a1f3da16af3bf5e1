//! Tables of cases: the content of a registry, the request, the expected calls, and the expected outcome.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::content::{Builder, Item};
use super::text::{self, Names};
use super::{Registry, platform};
use crate::{Description, Error, ErrorCode, Host, Outcome, Parts, Policy, Request, Resolved, Selection};

/// The repository of contents without one.
const REPOSITORY: &str = "registry.test/app";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    /// A comment about the table, for its readers.
    #[serde(rename = "about")]
    _about: String,
    /// Registries that several cases share, by name.
    #[serde(default)]
    registries: BTreeMap<String, Holdings>,
    cases: Vec<Case>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Holdings {
    content: Vec<Item>,
    /// Tags and the names of their contents: `latest` is a tag of the table's own repository,
    /// `registry/repository:latest` one of another.
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

/// One case of a table.
///
/// - `registry`: the name of a shared registry, to which `content` and `tags` are added. Without a tag `latest`,
///   the last content has it.
/// - `request`: a full reference (`registry.test/app:latest` where there is none), `platforms` or all, and `parts`.
/// - `calls`: every call in its order, as [`Registry::calls`] shows it, with names in place of digests.
/// - `outcome`: lines as text; `…` stands for any text. `root NAME [of REFERENCE]`, then for each place
///   `image NAME [is PLATFORM] [in PARENTS] [config NAME] [attested NAMES]`, `no-match`, `failed CODE: MESSAGE` or
///   `denied RULE: MESSAGE [(SUBJECT)]`. For the whole `denied …`, `next REFERENCE for PLATFORMS [with PARTS]` or
///   `error CODE: MESSAGE`.
/// - `failures`: calls that fail, and how (`CODE: MESSAGE`).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What the case shows.
    pub name: String,
    /// The values of the policy's settings.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
    #[serde(default)]
    registry: Option<String>,
    #[serde(default)]
    content: Vec<Item>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    #[serde(default)]
    failures: BTreeMap<String, String>,
    #[serde(default)]
    request: Asked,
    calls: Vec<String>,
    outcome: Vec<String>,
    #[serde(skip)]
    shared: Holdings,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    reference: Option<String>,
    platforms: Option<Vec<String>>,
    #[serde(default)]
    parts: Vec<String>,
}

/// Returns the cases of a table in JSON.
///
/// # Errors
/// The reason why the table is malformed.
pub fn cases(json: &str) -> Result<Vec<Case>, String> {
    let table: Table = serde_json::from_str(json).map_err(|error| error.to_string())?;
    let shared = |case: Case| match &case.registry {
        None => Ok(case),
        Some(name) => {
            let shared = table.registries.get(name).ok_or_else(|| format!("{}: no registry {name}", case.name))?;
            Ok(Case { shared: shared.clone(), ..case })
        }
    };
    table.cases.into_iter().map(shared).collect()
}

/// Runs a table against a policy; `Rest` is the rest of the chain.
///
/// # Panics
/// Panics with every case that differs from the table.
pub fn check<P: Policy, Rest: Policy>(json: &str) {
    let cases = cases(json).expect("the table can be read");
    assert!(!cases.is_empty(), "the table has no cases");
    let run = |case: &Case| {
        let (mut registry, names) = case.registry()?;
        registry.configure(&P::about())?;
        registry.then::<Rest>();
        let result = P::resolve(&registry, case.request(&names)?);
        case.verify(&registry, &names, &result)?;
        case.verify_batches(&registry, &names)
    };
    let failed: Vec<String> =
        cases.iter().filter_map(|case| run(case).err().map(|error| format!("{}:\n{error}", case.name))).collect();
    assert!(failed.is_empty(), "{} of {} cases failed\n\n{}", failed.len(), cases.len(), failed.join("\n\n"));
}

impl Case {
    /// Returns the case's registry, with the case's settings but without the policy's defaults, and the names of the
    /// digests in it.
    ///
    /// # Errors
    /// The reason why the case is malformed.
    pub fn registry(&self) -> Result<(Registry, Names), String> {
        let (mut registry, mut names) = (Registry::new(), Names::default());
        let mut builder = Builder::new(&mut registry, &mut names, REPOSITORY);
        let mut last = None;
        for item in self.shared.content.iter().chain(&self.content) {
            last = Some(builder.add(item)?);
        }
        let tags = self.shared.tags.iter().chain(&self.tags).map(|(tag, name)| (tag.as_str(), name.clone()));
        let latest = last.filter(|_| !self.shared.tags.contains_key("latest")).map(|name| ("latest", name));
        for (tag, name) in latest.into_iter().chain(tags) {
            builder.tag(tag, &name)?;
        }
        for (name, value) in &self.settings {
            registry.set(name, value);
        }
        for (call, error) in &self.failures {
            registry.fail(&names.expand(call), text::failure(error)?);
        }
        Ok((registry, names))
    }

    /// Returns the case's request.
    ///
    /// # Errors
    /// The reason why the request is malformed.
    pub fn request(&self, names: &Names) -> Result<Request, String> {
        let asked = self.request.reference.clone().unwrap_or_else(|| format!("{REPOSITORY}:latest"));
        let reference = text::reference(&names.expand(&asked))?;
        let selection = match &self.request.platforms {
            None => Selection::All,
            Some(wanted) => {
                Selection::Platforms(wanted.iter().map(|text| platform::platform(text)).collect::<Result<_, _>>()?)
            }
        };
        let mut parts = Parts::empty();
        for part in &self.request.parts {
            parts |= match part.as_str() {
                "images" => Parts::IMAGES,
                "configs" => Parts::CONFIGS,
                "attestations" => Parts::ATTESTATIONS,
                other => return Err(format!("{other:?} is no part")),
            };
        }
        Ok(Request { reference, selection, parts })
    }

    /// Checks a policy's outcome and its calls, whether they were concurrent or not, and that the run has observed
    /// every digest of the outcome.
    ///
    /// # Errors
    /// The differences from the case.
    pub fn verify(&self, registry: &Registry, names: &Names, result: &Result<Outcome, Error>) -> Result<(), String> {
        let asked = self.request(names)?.reference;
        let lines: Vec<String> = text::outcome(&asked, result).iter().map(|line| names.shorten(line)).collect();
        compare("outcome", &self.outcome, &lines)?;
        let single = |calls: &[String]| calls.iter().flat_map(|call| singles(call)).collect::<Vec<_>>();
        let calls: Vec<String> = registry.calls().iter().map(|call| names.shorten(call)).collect();
        compare("calls", &single(&self.calls), &single(&calls))?;
        match result {
            Ok(Outcome::Resolved(resolved)) => {
                let found = resolved.images.iter().flatten();
                let mut descriptors = found.flat_map(|image| {
                    let inner = image.parents.iter().chain([&image.manifest]);
                    inner.chain(&image.config).chain(&image.attestations)
                });
                match descriptors.find(|known| !registry.met(&resolved.reference, &known.digest)) {
                    Some(unmet) => Err(format!("{} was not met in this run", names.shorten(&unmet.digest))),
                    None => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    /// Checks which calls were concurrent. This is for native runs: a host sees single calls of a sandbox.
    ///
    /// # Errors
    /// The differences from the case.
    pub fn verify_batches(&self, registry: &Registry, names: &Names) -> Result<(), String> {
        let calls: Vec<String> = registry.calls().iter().map(|call| names.shorten(call)).collect();
        compare("calls side by side", &self.calls, &calls)
    }
}

/// Returns the single calls of an `-all` call.
fn singles(call: &str) -> Vec<String> {
    let (verb, arguments) = call.split_once(' ').unwrap_or((call, ""));
    arguments.split(" & ").map(|argument| format!("{verb} {argument}")).collect()
}

fn compare(what: &str, expected: &[String], actual: &[String]) -> Result<(), String> {
    let fit = expected.len() == actual.len() && expected.iter().zip(actual).all(|(line, own)| text::fits(line, own));
    if fit {
        return Ok(());
    }
    Err(format!("  {what} expected:\n    {}\n  but was:\n    {}", expected.join("\n    "), actual.join("\n    ")))
}

/// The end of a chain that must not be called: an error for every request.
pub struct End;

impl Policy for End {
    fn about() -> Description {
        Description::new("end", "1.0.0", "Answers nothing")
    }

    fn resolve(_: &impl Host, request: Request) -> Result<Outcome, Error> {
        Err(Error::new(ErrorCode::Other, format!("no policy follows to resolve {}", request.reference)))
    }
}

/// The end of a chain that resolves roots alone, and redirects the repository `moved` of every registry to
/// `elsewhere.test/app`.
pub struct Elsewhere;

impl Policy for Elsewhere {
    fn about() -> Description {
        Description::new("elsewhere", "1.0.0", "Takes REGISTRY/moved from elsewhere.test/app")
    }

    fn resolve(host: &impl Host, request: Request) -> Result<Outcome, Error> {
        let mut reference = request.reference;
        if reference.repository == "moved" {
            (reference.registry, reference.repository) = ("elsewhere.test".into(), "app".into());
        }
        let root = host.resolve(&reference)?;
        Ok(Outcome::Resolved(Resolved { reference, root, images: Vec::new() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Descriptor, Image};

    /// Pulls, and claims an image that no document lists.
    struct Liar;

    impl Policy for Liar {
        fn about() -> Description {
            Description::new("liar", "1.0.0", "Invents digests").required("digest", "what to claim")
        }

        fn resolve(host: &impl Host, request: Request) -> Result<Outcome, Error> {
            let root = host.pull(&request.reference)?.descriptor;
            let manifest = Descriptor { digest: crate::required(host, "digest")?, ..root.clone() };
            let image = Image { platform: None, parents: Vec::new(), manifest, config: None, attestations: Vec::new() };
            Ok(Outcome::Resolved(Resolved { reference: request.reference, root, images: vec![Ok(image)] }))
        }
    }

    fn judge(settings: &str, calls: &str, outcome: &str) -> Result<(), String> {
        let json = format!(
            r#"{{ "about": "", "cases": [{{
                "name": "one", "content": [{{ "name": "app", "image": "linux/amd64" }}], "settings": {settings},
                "request": {{ "parts": ["images"] }}, "calls": {calls}, "outcome": {outcome}
            }}] }}"#
        );
        let case = cases(&json)?.remove(0);
        let (mut registry, names) = case.registry()?;
        registry.configure(&Liar::about())?;
        let digest = names.expand(&registry.settings().remove(0).1);
        registry.set("digest", &digest);
        let result = Liar::resolve(&registry, case.request(&names)?);
        case.verify(&registry, &names, &result)
    }

    #[test]
    fn a_case_is_judged_by_outcome_calls_and_what_was_met() {
        let pull = r#"["pull registry.test/app:latest"]"#;
        let rows = [
            (r#"{"digest":"$app"}"#, pull, r#"["root app", "image app"]"#, None),
            (r#"{"digest":"$app"}"#, pull, r#"["root app"]"#, Some("outcome expected")),
            (r#"{"digest":"$app"}"#, pull, r#"["root app", "no-match"]"#, Some("outcome expected")),
            (r#"{"digest":"$app"}"#, "[]", r#"["root app", "image app"]"#, Some("calls expected")),
            (r#"{"digest":"sha256:0"}"#, pull, r#"["root app", "image sha256:0"]"#, Some("was not met")),
            ("{}", pull, r#"["root app"]"#, Some("the required setting digest is not set")),
            (r#"{"digest":"$app"}"#, "5", "[]", Some("invalid type")),
        ];
        for (settings, calls, outcome, expected) in rows {
            match (judge(settings, calls, outcome), expected) {
                (Ok(()), None) => {}
                (Err(error), Some(part)) if error.contains(part) => {}
                (judged, _) => panic!("{settings} {calls} {outcome}: {judged:?}"),
            }
        }
    }

    #[test]
    fn calls_side_by_side_are_single_calls_to_a_sandbox() {
        assert_eq!(singles("fetch a & b"), ["fetch a", "fetch b"]);
        assert_eq!(singles("tags registry.test/app"), ["tags registry.test/app"]);
    }
}

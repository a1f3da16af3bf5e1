//! The explanation of a run: the policies, their host calls and the answers, the candidates that they passed over, and
//! the limits.

mod decision;
mod limits;
mod spans;

use serde::Serialize;

use crate::{Escaped, Tree, table};
use refkit::{Candidate, Policy, Resolution, Session, Verdict};

pub use limits::{LimitReport, Unit};
pub use spans::{EventReport, SpanReport};

/// How many candidates a person reads.
const CANDIDATES_SHOWN: usize = 100;

/// The explanation of a run.
#[derive(Debug)]
pub struct Explained(ExplainReport);

/// The explanation for programs.
#[derive(Debug, Clone, Serialize)]
pub struct ExplainReport {
    /// The chain, outermost first.
    pub policies: Vec<PolicyReport>,
    /// Notes of the caller about how it set the run up.
    pub notes: Vec<String>,
    /// What the run did, in the order in which each part began.
    pub spans: Vec<SpanReport>,
    /// The entries of the indexes that the run read.
    pub candidates: Vec<CandidateReport>,
    /// The limits of the run, used and allowed.
    pub limits: Vec<LimitReport>,
}

/// One policy of the chain.
#[derive(Debug, Clone, Serialize)]
pub struct PolicyReport {
    /// The name of the policy.
    pub name: String,
    /// The version of the policy.
    pub version: String,
    /// The digest of its component.
    pub digest: String,
    /// The interfaces of the contract that it imports.
    pub imports: Vec<String>,
}

/// One entry of an index.
#[derive(Debug, Clone, Serialize)]
pub struct CandidateReport {
    /// The digest of the index.
    pub index: String,
    /// How far below the root that index is.
    pub depth: usize,
    /// The digest of the entry.
    pub digest: String,
    /// The entry's platform, where it says one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// What the policies did with the entry.
    pub verdict: String,
}

impl Explained {
    /// Returns what there is to explain of a run: its chain, outermost first, notes about the set-up, and what the run
    /// itself recorded.
    pub fn of(notes: &[String], session: &Session, resolution: Option<&Resolution>) -> Self {
        let candidates = resolution.map(Resolution::candidates).unwrap_or_default();
        Self(ExplainReport {
            policies: session.chain().policies().map(policy).collect(),
            notes: notes.to_vec(),
            spans: spans::reports(&session.trace()),
            candidates: candidates.iter().map(candidate).collect(),
            limits: limits::reports(&session.budget(), &session.spent()),
        })
    }

    /// Returns the explanation for a program.
    pub fn report(&self) -> ExplainReport {
        self.0.clone()
    }

    /// Returns the lines for a person, escaped.
    pub fn lines(&self) -> Vec<String> {
        let mut trees = vec![self.chain(), spans::tree(&self.0.spans)];
        trees.extend(self.candidates());
        trees.push(limits::tree(&self.0.limits));
        trees.iter().flat_map(Tree::lines).map(|line| Escaped(line).to_string()).collect()
    }

    fn chain(&self) -> Tree {
        let mut tree = Tree::new("policies");
        let row = |policy: &PolicyReport| {
            let asks = if policy.imports.is_empty() { "nothing".to_owned() } else { policy.imports.join(", ") };
            [format!("{} {}", policy.name, policy.version), policy.digest.clone(), format!("may ask {asks}")]
        };
        let rows: Vec<_> = self.0.policies.iter().map(row).collect();
        table(&rows).into_iter().for_each(|line| tree.add(Tree::new(line)));
        self.0.notes.iter().for_each(|note| tree.add(Tree::new(format!("warning: {note}"))));
        tree
    }

    fn candidates(&self) -> Option<Tree> {
        let candidates = &self.0.candidates;
        let mut tree = Tree::new("candidates");
        let row = |candidate: &CandidateReport| {
            let indent = "  ".repeat(candidate.depth);
            let platform = candidate.platform.as_deref().unwrap_or("no platform");
            [format!("{indent}{platform}"), candidate.digest.clone(), candidate.verdict.clone()]
        };
        let rows: Vec<_> = candidates.iter().take(CANDIDATES_SHOWN).map(row).collect();
        table(&rows).into_iter().for_each(|line| tree.add(Tree::new(line)));
        if candidates.len() > CANDIDATES_SHOWN {
            tree.add(Tree::new(format!("and {} more", candidates.len() - CANDIDATES_SHOWN)));
        }
        (!candidates.is_empty()).then_some(tree)
    }
}

fn policy(policy: &Policy) -> PolicyReport {
    let description = policy.description();
    PolicyReport {
        name: description.name.clone(),
        version: description.version.clone(),
        digest: policy.digest().to_string(),
        imports: policy.imports().to_vec(),
    }
}

fn candidate(candidate: &Candidate) -> CandidateReport {
    CandidateReport {
        index: candidate.index.to_string(),
        depth: candidate.depth,
        digest: candidate.descriptor.digest.to_string(),
        platform: candidate.descriptor.platform.as_ref().map(ToString::to_string),
        verdict: match &candidate.verdict {
            Verdict::Taken => "taken".to_owned(),
            Verdict::Followed => "followed".to_owned(),
            Verdict::Attestation => "passed over: an attestation, about another manifest".to_owned(),
            Verdict::OtherPlatform(_) => "passed over: its platform is not wanted".to_owned(),
            Verdict::LessSuited => "passed over: another suits better or stands before it".to_owned(),
            Verdict::NoPlatform => "passed over: it names no platform".to_owned(),
            Verdict::NoImage(media_type) => format!("passed over: {media_type} is no image"),
            Verdict::Denied { policy, rule, message } => format!("denied by {policy} (rule {rule}): {message}"),
            Verdict::Absent => "absent: it could not be read".to_owned(),
        },
    }
}

//! The explanation of a run: the policies, their host calls and the answers, the candidates that they passed over, and
//! the limits.

mod decision;
mod limits;
mod policies;
mod spans;

use serde::Serialize;

use crate::{Escaped, Tree, table};
use refkit::{Candidate, PublishSession, Published, Resolution, Session, Verdict};

use policies::policies;

pub use limits::{LimitReport, Unit};
pub use policies::PolicyReport;
pub use spans::{EventReport, SpanReport};

/// How many candidates a person reads.
const CANDIDATES_SHOWN: usize = 100;

/// The explanation of a run.
#[derive(Debug)]
pub struct Explained(ExplainReport);

/// The explanation for programs.
#[derive(Debug, Clone, Serialize)]
pub struct ExplainReport {
    /// The chain of publishing policies, outermost first, if the run is a publication.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub publishing: Vec<PolicyReport>,
    /// The chain of the policies that resolve, outermost first.
    pub policies: Vec<PolicyReport>,
    /// Notes of the caller about how it set the run up.
    pub notes: Vec<String>,
    /// Whether nothing was sent; the lines for a person say so.
    #[serde(skip)]
    pub dry_run: bool,
    /// What the run did, in the order in which each part began.
    pub spans: Vec<SpanReport>,
    /// The entries of the indexes that the run read; of a publication, if the caller chose platforms.
    pub candidates: Vec<CandidateReport>,
    /// The limits of the run, used and allowed.
    pub limits: Vec<LimitReport>,
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
            publishing: Vec::new(),
            policies: policies(session.chain()),
            notes: notes.to_vec(),
            dry_run: false,
            spans: spans::reports(&session.trace()),
            candidates: candidates.iter().map(candidate).collect(),
            limits: limits::reports(&session.budget(), &session.spent()),
        })
    }

    /// Returns what there is to explain of a publication: both chains, notes about the set-up, and what the run itself
    /// recorded.
    pub fn of_publication(notes: &[String], session: &PublishSession, published: Option<&Published>) -> Self {
        let candidates = published.map(|published| session.candidates(published)).unwrap_or_default();
        Self(ExplainReport {
            publishing: policies(session.chain()),
            policies: policies(session.resolution_chain()),
            notes: notes.to_vec(),
            dry_run: session.is_dry_run(),
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
        let ExplainReport { publishing, policies, notes, spans, .. } = &self.0;
        let run = if self.0.dry_run { "run, dry: nothing is sent" } else { "run" };
        let publishing = (!publishing.is_empty()).then(|| policies::tree("publishing policies", publishing, &[]));
        let mut trees: Vec<Tree> = publishing.into_iter().collect();
        trees.extend([policies::tree("policies", policies, notes), spans::tree(run, spans)]);
        trees.extend(self.candidates());
        trees.push(limits::tree(&self.0.limits));
        trees.iter().flat_map(Tree::lines).map(|line| Escaped(line).to_string()).collect()
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

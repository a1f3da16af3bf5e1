//! The policies of a chain.

use refkit::{ChainOf, CompiledPolicy, World};
use serde::Serialize;

use crate::{Tree, table};

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

/// Returns the policies of a chain, outermost first.
pub fn policies<W: World>(chain: &ChainOf<W>) -> Vec<PolicyReport> {
    chain.policies().map(policy).collect()
}

fn policy<W: World>(policy: &CompiledPolicy<W>) -> PolicyReport {
    let description = policy.description();
    PolicyReport {
        name: description.name.clone(),
        version: description.version.clone(),
        digest: policy.digest().to_string(),
        imports: policy.imports().to_vec(),
    }
}

/// Returns the policies of a chain for a person; the notes are the caller's about how it set the run up.
pub fn tree(title: &str, policies: &[PolicyReport], notes: &[String]) -> Tree {
    let mut tree = Tree::new(title);
    let row = |policy: &PolicyReport| {
        let asks = if policy.imports.is_empty() { "nothing".to_owned() } else { policy.imports.join(", ") };
        [format!("{} {}", policy.name, policy.version), policy.digest.clone(), format!("may ask {asks}")]
    };
    let rows: Vec<_> = policies.iter().map(row).collect();
    table(&rows).into_iter().for_each(|line| tree.add(Tree::new(line)));
    notes.iter().for_each(|note| tree.add(Tree::new(format!("warning: {note}"))));
    tree
}

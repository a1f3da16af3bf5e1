//! The label that lists the policies of an image, and its differences from the policies themselves.

use refkit_oci::document::Config;
use serde::{Deserialize, Serialize};

use super::LABEL;

/// A policy as the label lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// The component's path in the image.
    pub path: String,
    /// The component's digest.
    pub digest: String,
    /// The policy's own name.
    pub name: String,
    /// The policy's version.
    pub version: String,
}

/// Compares the label with the policies of the chain, in their order, and returns the differences.
pub fn contradictions(config: &Config, own: &[&Listed]) -> Vec<String> {
    let Some((_, text)) = config.labels().find(|(name, _)| *name == LABEL) else {
        return vec![format!("it has no label {LABEL}")];
    };
    let Ok(listed) = serde_json::from_str::<Vec<Listed>>(text) else {
        return vec![format!("the label {LABEL} is not a list of policies")];
    };
    let mut wrong = Vec::new();
    for one in &listed {
        match own.iter().find(|own| own.path == one.path) {
            None => wrong.push(format!("the label {LABEL} lists {}, which is not asked", one.path)),
            Some(own) if *own != one => {
                wrong.push(format!("the label {LABEL} says that {} is {}, but it is {}", one.path, who(one), who(own)));
            }
            Some(_) => {}
        }
    }
    let missing = own.iter().filter(|own| listed.iter().all(|one| one.path != own.path));
    wrong.extend(missing.map(|own| format!("the label {LABEL} does not list {}", own.path)));
    let in_order = listed.iter().map(|one| &one.path).eq(own.iter().map(|own| &own.path));
    if wrong.is_empty() && !in_order {
        wrong.push(format!("the label {LABEL} lists the policies in another order than they are asked in"));
    }
    wrong
}

fn who(listed: &Listed) -> String {
    format!("{} {} ({})", listed.name, listed.version, listed.digest)
}

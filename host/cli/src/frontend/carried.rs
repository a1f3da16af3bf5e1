//! A policy that an image carries: who it is, from its own bytes.

use std::collections::HashMap;

use bytes::Bytes;
use refkit::{Description, Engine, Policy, Shipped};

use super::elf::Machine;
use super::policies::Listed;

/// A component that was found.
pub struct Component {
    bytes: Bytes,
    policy: Policy,
    /// The code that this refkit makes of it, by target; none where it cannot.
    compiled: HashMap<&'static str, Option<Vec<u8>>>,
}

impl Component {
    /// Returns the policy in a component's bytes.
    ///
    /// # Errors
    /// A text, for what is no policy.
    pub async fn load(engine: &Engine, bytes: Bytes) -> Result<Self, String> {
        let policy = Policy::load(engine, bytes.clone()).await.map_err(|error| error.to_string())?;
        Ok(Self { bytes, policy, compiled: HashMap::new() })
    }
}

/// What lies beside a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// The code that this refkit makes of the component.
    Same,
    /// Code for this component, but not that. It runs outside of the sandbox.
    Other,
    /// Code for a platform that this refkit does not compile for.
    Unknown,
    /// Something that is not this component's code, which is not loaded.
    Unfit,
    /// Nothing.
    None,
}

impl Code {
    /// Returns its name in a report.
    pub fn name(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Other => "other",
            Self::Unknown => "unknown",
            Self::Unfit => "unfit",
            Self::None => "none",
        }
    }

    /// Returns what a person is told.
    pub fn text(self) -> &'static str {
        match self {
            Self::Same => "compiled ahead of time",
            Self::Other => "compiled ahead of time, by another refkit or by somebody else",
            Self::Unknown => {
                "compiled ahead of time; this refkit does not compile for the platform, and cannot compare"
            }
            Self::Unfit | Self::None => "compiled at every start",
        }
    }
}

/// A policy that an image carries.
pub struct Carried {
    /// Who it is.
    pub listed: Listed,
    /// Bytes of the component.
    pub size: u64,
    /// The policy.
    pub policy: Policy,
    /// What lies beside it.
    pub code: Code,
}

impl std::fmt::Debug for Carried {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Carried").field("listed", &self.listed).field("code", &self.code).finish_non_exhaustive()
    }
}

impl Carried {
    /// Returns a policy at a path, with what lies beside it. The code is compared, never loaded.
    pub fn new(path: &str, component: &mut Component, beside: Option<&Bytes>, machine: Option<Machine>) -> Self {
        let code = match beside {
            None => Code::None,
            Some(entry) => match (Shipped::code(entry, &component.bytes), machine) {
                (None, _) => Code::Unfit,
                (Some(_), None) => Code::Unknown,
                (Some(code), Some(machine)) => {
                    let compile = || Engine::precompile_for(machine.triple, &component.bytes).ok();
                    match component.compiled.entry(machine.triple).or_insert_with(compile) {
                        Some(own) if own == code => Code::Same,
                        Some(_) => Code::Other,
                        None => Code::Unknown,
                    }
                }
            },
        };
        let Description { name, version, .. } = component.policy.description().clone();
        let digest = component.policy.digest().to_string();
        let listed = Listed { path: path.to_owned(), digest, name, version };
        Self { listed, size: component.bytes.len() as u64, policy: component.policy.clone(), code }
    }

    /// Returns what there is to warn of.
    pub fn warning(&self) -> Option<String> {
        let path = &self.listed.path;
        match self.code {
            Code::Other => Some(format!(
                "the code beside {path} is not what this refkit makes of it: another version made it, or somebody who \
                 may not mean well; the frontend runs it without a sandbox"
            )),
            Code::Unfit => Some(format!("what lies beside {path} is not its code, and is not loaded")),
            Code::Same | Code::Unknown | Code::None => None,
        }
    }
}

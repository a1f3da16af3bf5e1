//! The policies that an image ships, each loaded from its own bytes, with a comparison of the code beside it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use bytes::Bytes;
use refkit::{Description, Engine, Policy, Shipped};
use refkit_images::frontend::Listed;
use refkit_images::frontend::elf::Machine;

/// A component of an image.
pub struct Component {
    bytes: Bytes,
    policy: Policy,
    compiled: Compiled,
}

/// The code that this refkit makes of a component, by target; `None` where it has no compiler for the target.
pub type Compiled = HashMap<&'static str, Option<Vec<u8>>>;

impl Component {
    /// Returns the policy in a component's bytes.
    ///
    /// # Errors
    /// The reason why the bytes are no policy.
    pub async fn load(engine: &Engine, bytes: Bytes) -> Result<Self, String> {
        let policy = Policy::load(engine, bytes.clone()).await.map_err(|error| error.to_string())?;
        Ok(Self { bytes, policy, compiled: Compiled::new() })
    }

    /// Returns roughly how many bytes of memory it takes.
    pub fn size(&self) -> usize {
        self.bytes.len() + self.compiled.values().flatten().map(Vec::len).sum::<usize>()
    }
}

/// The code beside a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Code {
    /// The code that this refkit makes of the component.
    Same,
    /// Code for this component that differs from this refkit's. It would run outside of the sandbox.
    Other,
    /// Code for a platform that this refkit does not compile for.
    Unknown,
    /// A file that is not this component's code, and is not loaded.
    Unfit,
    /// Code of another component than this refkit's default policy, which may be the program's own default policy.
    Foreign,
    /// No file.
    #[default]
    None,
}

impl Code {
    /// Returns the code beside a component. It is compared with the code that this refkit makes, never loaded.
    pub async fn of(
        engine: &Engine,
        component: &Bytes,
        beside: Option<&Bytes>,
        machine: Option<Machine>,
        compiled: &mut Compiled,
    ) -> Self {
        let Some(entry) = beside else { return Self::None };
        let Some(code) = Shipped::code(entry, component) else { return Self::Unfit };
        let Some(machine) = machine else { return Self::Unknown };
        if let Entry::Vacant(vacant) = compiled.entry(machine.triple) {
            vacant.insert(engine.precompile(machine.triple, component.clone()).await.ok());
        }
        match compiled.get(machine.triple).and_then(Option::as_deref) {
            Some(own) if own == code => Self::Same,
            Some(_) => Self::Other,
            None => Self::Unknown,
        }
    }

    /// Returns the name of the kind in a JSON report.
    pub fn name(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Other => "other",
            Self::Unknown => "unknown",
            Self::Unfit => "unfit",
            Self::Foreign => "foreign",
            Self::None => "none",
        }
    }

    /// Returns the text for a person.
    pub fn text(self) -> &'static str {
        match self {
            Self::Same => "compiled ahead of time",
            Self::Other => "compiled ahead of time, by another refkit or by somebody else",
            Self::Unknown => {
                "compiled ahead of time; this refkit does not compile for the platform, and cannot compare"
            }
            Self::Foreign => "compiled ahead of time, of a component that this refkit does not have",
            Self::Unfit | Self::None => "compiled at every start",
        }
    }
}

/// A policy that an image ships.
pub struct ShippedPolicy {
    /// The policy as the label should list it.
    pub listed: Listed,
    /// The size of the component in bytes.
    pub size: u64,
    /// The policy.
    pub policy: Policy,
    /// The code beside the component.
    pub code: Code,
}

impl std::fmt::Debug for ShippedPolicy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ShippedPolicy").field("listed", &self.listed).field("code", &self.code).finish_non_exhaustive()
    }
}

impl ShippedPolicy {
    /// Returns a policy at a path, with the code beside it, which is compared and never loaded.
    pub async fn new(path: &str, component: &mut Component, beside: Option<&Bytes>, machine: Option<Machine>) -> Self {
        let Component { bytes, policy, compiled } = component;
        let code = Code::of(policy.engine(), bytes, beside, machine, compiled).await;
        let Description { name, version, .. } = component.policy.description().clone();
        let digest = component.policy.digest().to_string();
        let listed = Listed { path: path.to_owned(), digest, name, version };
        Self { listed, size: component.bytes.len() as u64, policy: component.policy.clone(), code }
    }
}

/// Returns the warning for the code beside a component, or at the path of the default policy's code.
pub fn warning(path: &str, code: Code) -> Option<String> {
    match code {
        Code::Other => Some(format!(
            "the code beside {path} is not what this refkit makes of it: another version made it, or somebody who may \
             not mean well; the frontend runs it without a sandbox"
        )),
        Code::Foreign => Some(format!(
            "the code in {path} is not that of this refkit's default policy: it is another version's, or somebody's who \
             may not mean well; if the frontend has that version, it runs the code without a sandbox"
        )),
        Code::Unfit => Some(format!("what lies beside {path} is not its code, and is not loaded")),
        Code::Same | Code::Unknown | Code::None => None,
    }
}

//! What a policy says of itself.

/// What a policy says of itself: `description` of the contract.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Description {
    /// The name.
    pub name: String,
    /// The version.
    pub version: String,
    /// One sentence.
    pub summary: String,
    /// The settings that the policy reads.
    pub settings: Vec<Setting>,
}

/// A setting that a policy reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The name.
    pub name: String,
    /// One sentence.
    pub summary: String,
    /// Whether the policy cannot run without a value.
    pub required: bool,
    /// The value where the operator gives none.
    pub default: Option<String>,
}

/// How much a message of a policy matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// For the author of the policy.
    Debug,
    /// For a person who wants to know why.
    Info,
    /// For everyone who runs the policy.
    Warn,
}

impl Level {
    /// Returns the contract's name of the level.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
        }
    }
}

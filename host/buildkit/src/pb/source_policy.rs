//! Source policies: rules that BuildKit applies to every source it reads.

use std::collections::BTreeMap;

/// `moby.buildkit.v1.sourcepolicy.Policy`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Policy {
    /// BuildKit does not look at it; by convention 1.
    #[prost(int64, tag = "1")]
    pub version: i64,
    /// The rules, in the order in which they are read.
    #[prost(message, repeated, tag = "2")]
    pub rules: Vec<Rule>,
}

/// `Rule`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Rule {
    /// What is done with a source that matches.
    #[prost(enumeration = "PolicyAction", tag = "1")]
    pub action: i32,
    /// Which sources match. BuildKit refuses a rule without one.
    #[prost(message, optional, tag = "2")]
    pub selector: Option<Selector>,
    /// What a source becomes, of a [`PolicyAction::Convert`].
    #[prost(message, optional, tag = "3")]
    pub updates: Option<Update>,
}

/// `Update`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Update {
    /// The new identifier; empty means that of the selector.
    #[prost(string, tag = "1")]
    pub identifier: String,
    /// Attributes that are set; the others stay.
    #[prost(btree_map = "string, string", tag = "2")]
    pub attrs: BTreeMap<String, String>,
}

/// `Selector`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Selector {
    /// What identifiers are compared with.
    #[prost(string, tag = "1")]
    pub identifier: String,
    /// How they are compared. An identifier that is equal matches in every way of comparing.
    #[prost(enumeration = "MatchType", tag = "2")]
    pub match_type: i32,
    /// What the attributes have to be, besides.
    #[prost(message, repeated, tag = "3")]
    pub constraints: Vec<AttrConstraint>,
}

/// `AttrConstraint`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct AttrConstraint {
    /// The attribute.
    #[prost(string, tag = "1")]
    pub key: String,
    /// What it is compared with; a missing attribute counts as empty.
    #[prost(string, tag = "2")]
    pub value: String,
    /// How it is compared.
    #[prost(enumeration = "AttrMatch", tag = "3")]
    pub condition: i32,
}

/// `PolicyAction`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum PolicyAction {
    /// The source may be read, unless a later rule denies it.
    Allow = 0,
    /// The source may not be read, unless a later rule allows it.
    Deny = 1,
    /// Another source is read; all rules are read again for that one.
    Convert = 2,
}

/// `AttrMatch`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum AttrMatch {
    /// The attribute is the value.
    Equal = 0,
    /// The attribute is anything else.
    Notequal = 1,
    /// The value is a regular expression that is found in the attribute.
    Matches = 2,
}

/// `MatchType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum MatchType {
    /// `*` stands for any characters, `/`, `:` and `@` included, or none.
    Wildcard = 0,
    /// The identifier is equal.
    Exact = 1,
    /// A regular expression is found in the identifier.
    Regex = 2,
}

//! What tokens allow.

/// What a token allows, as in `repository:library/alpine:pull,push`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// The type of resource, `repository` mostly.
    pub kind: String,
    /// The resource's name.
    pub name: String,
    /// What may be done.
    pub actions: Vec<String>,
}

impl Scope {
    /// Returns the scope of some actions on a repository.
    pub fn repository<'a>(name: &str, actions: impl IntoIterator<Item = &'a str>) -> Self {
        let actions = actions.into_iter().map(str::to_owned).collect();
        Self { kind: "repository".to_owned(), name: name.to_owned(), actions }
    }

    /// Returns the scope that a text says, if it is one.
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(':')?;
        let (name, actions) = rest.rsplit_once(':')?;
        let actions = actions.split(',').filter(|action| !action.is_empty()).map(str::to_owned).collect();
        Some(Self { kind: kind.to_owned(), name: name.to_owned(), actions })
    }

    /// Tells whether everything that is wanted is allowed.
    pub(crate) fn covers(&self, wanted: &Self) -> bool {
        self.kind == wanted.kind
            && self.name == wanted.name
            && wanted.actions.iter().all(|action| self.actions.contains(action))
    }
}

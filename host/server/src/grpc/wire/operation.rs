//! Operations.

use refkit_content::Operation;

use crate::grpc::pb;

impl From<Operation> for pb::Operation {
    fn from(operation: Operation) -> Self {
        match operation {
            Operation::Resolve => Self::Resolve,
            Operation::Pull => Self::Pull,
            Operation::Fetch => Self::Fetch,
            Operation::Tags => Self::Tags,
            Operation::Referrers => Self::Referrers,
            Operation::Push => Self::Push,
            Operation::Open => Self::Open,
        }
    }
}

impl pb::Operation {
    /// Returns the operation; none for [`Self::Unspecified`].
    pub(crate) fn known(self) -> Option<Operation> {
        Some(match self {
            Self::Unspecified => return None,
            Self::Resolve => Operation::Resolve,
            Self::Pull => Operation::Pull,
            Self::Fetch => Operation::Fetch,
            Self::Tags => Operation::Tags,
            Self::Referrers => Operation::Referrers,
            Self::Push => Operation::Push,
            Self::Open => Operation::Open,
        })
    }
}

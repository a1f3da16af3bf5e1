//! The lists of referrers of a run: one question for each subject, whoever asks.

use std::sync::atomic::{AtomicUsize, Ordering};

use refkit_content::once::OnceMap;
use refkit_content::{Error, ErrorKind, Source, WithOrigin};
use refkit_oci::{Descriptor, Digest, Footprint as _, Repository};

/// How much of lists a run keeps besides what its policies were answered: 8 MiB, more than the lists of most runs take
/// together. What is beyond that is asked for again.
const KEPT: usize = 8 << 20;

type List = WithOrigin<Vec<Descriptor>>;

/// The lists that were asked for.
#[derive(Default)]
pub(super) struct Listed {
    lists: OnceMap<(Repository, Digest), List>,
    kept: AtomicUsize,
}

impl Listed {
    /// Returns the referrers of a subject, of one type if one is given. A policy mostly asks for one type, and the copy for
    /// several: so all of them are asked for.
    ///
    /// # Errors
    /// The source's. A list that is too long is asked for with the type.
    pub(super) async fn get(
        &self,
        source: &dyn Source,
        (repository, subject): (&Repository, &Digest),
        artifact_type: Option<&str>,
    ) -> Result<List, Error> {
        let ask = async {
            let list = source.referrers(repository, subject, None).await.map_err(Err)?;
            let size = list.value.footprint() + subject.footprint() + OnceMap::<(Repository, Digest), List>::CELL;
            match self.kept.fetch_add(size, Ordering::Relaxed) + size <= KEPT {
                true => Ok(list),
                false => Err(Ok(list)),
            }
        };
        let asked = self.lists.try_get((repository.clone(), subject.clone()), ask).await;
        match asked.or_else(|list: Result<List, Error>| list) {
            Ok(mut list) => {
                list.value.retain(|one| artifact_type.is_none_or(|of| one.artifact_type.as_deref() == Some(of)));
                Ok(list)
            }
            Err(Error { kind: ErrorKind::TooMany { .. } | ErrorKind::TooLarge { .. }, .. })
                if artifact_type.is_some() =>
            {
                source.referrers(repository, subject, artifact_type).await
            }
            Err(error) => Err(error),
        }
    }
}

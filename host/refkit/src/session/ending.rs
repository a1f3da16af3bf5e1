//! The end of a run: what its decision is made into, with the bytes that were asked for and what policies said of it.

use refkit_contract::{Absence, Decision, Failure, Image, Resolved, Selection};
use refkit_oci::{Descriptor, Digest, Platform};

use super::Session;
use crate::error::Error;
use crate::observation::Failed;
use crate::outcome::{Outcome, Refused, Resolution};

impl Session {
    /// Returns what the run ends in.
    pub(super) async fn outcome(&self, decision: Result<Decision<Descriptor>, Failure>) -> Result<Outcome, Error> {
        match decision {
            Err(failure) => Err(self.run.failed(failure)),
            Ok(Decision::Denied(denials)) => {
                let policy = denials.first().map(|denial| denial.policy().to_owned()).unwrap_or_default();
                Ok(Outcome::Denied { policy, denials })
            }
            Ok(Decision::Resolved(resolved)) => self.attach(resolved).await.map(Outcome::Resolved),
        }
    }

    /// Attaches the bytes that the request asked for and the policies did not read themselves.
    async fn attach(&self, mut resolved: Resolved<Descriptor>) -> Result<Resolution, Error> {
        let (answers, repository) = (&self.run.answers, resolved.reference.repository().clone());
        let parts = self.request.parts;
        // What only the delegate answered for has no bytes to attach.
        let shown = |digest: &Digest| !answers.ledger.is_delegated(&repository, digest);
        if parts.any() && shown(&resolved.root.digest) {
            answers.fetch(None, &repository, &resolved.root.digest).await.map_err(refkit_content::Error::from)?;
        }
        let wanted = |image: &Image<Descriptor>| -> Vec<Digest> {
            let config = image.config.iter();
            let manifest = parts.configs.then_some(&image.manifest);
            let all = image.parents.iter().chain(manifest).chain(config).chain(&image.attestations);
            all.map(|descriptor| descriptor.digest.clone()).filter(shown).collect()
        };
        let fetched = resolved.images.iter().map(|place| async {
            for digest in place.iter().flat_map(&wanted) {
                answers.fetch(None, &repository, &digest).await?;
            }
            Ok::<(), Failed>(())
        });
        let fetched = futures_util::future::join_all(fetched).await;
        for (place, fetched) in resolved.images.iter_mut().zip(fetched) {
            if let Err(error) = fetched {
                *place = Err(Absence::Failed(error.into()));
            }
        }
        let refused = self.refused(&resolved);
        let judged = match parts.any() {
            true => Vec::new(),
            false => self.run.judged(&repository, &resolved.root.digest),
        };
        Ok(Resolution {
            request: self.request.clone(),
            reference: resolved.reference,
            root: resolved.root,
            images: resolved.images,
            refused,
            judged,
            contents: answers.ledger.contents(),
            documents: answers.ledger.documents(&repository),
        })
    }

    /// Returns the images that policies refused, by their places.
    fn refused(&self, resolved: &Resolved<Descriptor>) -> Vec<Refused> {
        let mut refused = Vec::new();
        for (place, image) in resolved.images.iter().enumerate() {
            let Err(Absence::Denied(denials)) = image else { continue };
            let policy = denials.first().map(|denial| denial.policy().to_owned()).unwrap_or_default();
            let stood = self.run.refusals.stood(&resolved.root.digest, &self.request.selection, place);
            let subject = || denials.iter().find_map(|denial| denial.subject.clone());
            let (manifest, own) = match stood {
                Some((manifest, platform)) => (Some(manifest), platform),
                None => (subject(), None),
            };
            let wanted = match &self.request.selection {
                Selection::Platforms(platforms) => platforms.get(place).cloned(),
                Selection::All => None,
            };
            let met = || {
                let (met, _) = self.run.answers.ledger.met(resolved.reference.repository(), manifest.as_ref()?)?;
                met.platform.map(Platform::normalized)
            };
            let platform = own.or_else(met).or(wanted);
            refused.push(Refused { place, policy, manifest, platform, denials: denials.clone() });
        }
        refused
    }
}

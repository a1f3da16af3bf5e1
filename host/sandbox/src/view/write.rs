//! The imports that only a publishing policy has.

use bytes::Bytes;

use super::{Answer, View};
use crate::bindings::publishing::refkit::policy::{publication, publishing_chain, registry_write};
use crate::bindings::refkit::policy::types;
use crate::convert;
use crate::meter::Meter;
use crate::world::Writing;

impl registry_write::Host for View<'_, Writing> {
    async fn push_manifest(
        &mut self,
        destination: types::Reference,
        media_type: String,
        bytes: Vec<u8>,
    ) -> Answer<types::Descriptor> {
        let host = &*self.calls.0;
        let question = async {
            let destination = convert::reference(destination)?;
            host.push_manifest(&destination, convert::publish::media_type(&media_type)?, bytes.into()).await
        };
        self.ask(question).await
    }

    async fn push_blob(
        &mut self,
        destination: types::Reference,
        media_type: String,
        bytes: Vec<u8>,
    ) -> Answer<types::Descriptor> {
        let host = &*self.calls.0;
        let question = async {
            let destination = convert::repository(&destination)?;
            host.push_blob(&destination, convert::publish::media_type(&media_type)?, Bytes::from(bytes)).await
        };
        self.ask(question).await
    }

    async fn copy(
        &mut self,
        source: types::Reference,
        digests: Vec<types::Digest>,
        destination: types::Reference,
        with_referrers: Vec<String>,
    ) -> Answer<()> {
        let host = &*self.calls.0;
        let question = async {
            let copy = convert::publish::copy(&source, digests, &destination, with_referrers)?;
            // Gigabytes pass through the host, which hashes them: that is no work of the policy.
            Meter::new().measure(host.copy(copy)).await
        };
        self.ask(question).await
    }
}

impl publishing_chain::Host for View<'_, Writing> {
    async fn next(&mut self, request: publication::Request) -> Answer<publication::Outcome> {
        let host = &*self.calls.0;
        self.ask(async { host.publish(convert::publish::request(request)?).await }).await
    }
}

impl publication::Host for View<'_, Writing> {}

//! Looks up the addresses of names, and decides to which of them the client may connect.
//!
//! The [redirect policy](crate::redirect::policy) judges the text of a redirect or a realm. A name can have any
//! address, so this module judges the addresses of a connection by the same rules. A proxy looks names up itself, and
//! decides where it connects to.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use refkit_content::ErrorKind;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::endpoint::host_of;
use crate::hosts::Network;
use crate::http::address::{Reach, reach};

/// Looks up the addresses of names.
#[async_trait]
pub trait Names: Send + Sync {
    /// Returns the addresses of a name.
    ///
    /// # Errors
    /// An error if the name has no address, or the lookup fails.
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// The resolver of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemNames;

#[async_trait]
impl Names for SystemNames {
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect())
    }
}

/// The host that has named another one, by a redirect or as the realm of a token, and what its settings allow.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct NamedBy {
    /// The API of the host that the caller asked.
    pub(crate) base: Url,
    /// Addresses inside the network that it may lead to.
    pub(crate) allowed: Vec<Network>,
}

/// Looks up names for one HTTP client.
pub(crate) struct Lookup {
    pub(crate) names: Arc<dyn Names>,
    /// The host that has named the hosts of this client. None for hosts from the settings, which may have any address.
    pub(crate) named_by: Option<NamedBy>,
    /// The names of proxies, which come from the settings as well.
    pub(crate) proxies: Vec<String>,
}

/// The refusal to connect to a name, because of one of its addresses.
#[derive(Debug, thiserror::Error)]
#[error("{base} leads to {name}, which has an address inside this network, {address}")]
pub(crate) struct InsideNetwork {
    base: String,
    name: String,
    address: IpAddr,
}

/// Returns the error for a failed connection, if its cause is such a refusal.
pub(crate) fn refused(cause: &(dyn std::error::Error + 'static)) -> Option<ErrorKind> {
    let inside = cause.downcast_ref::<InsideNetwork>()?;
    Some(ErrorKind::InsideNetwork { address: inside.address, said: inside.to_string() })
}

impl Resolve for Lookup {
    fn resolve(&self, name: Name) -> Resolving {
        let (names, name) = (Arc::clone(&self.names), name.as_str().to_owned());
        let named_by =
            self.named_by.clone().filter(|_| !self.proxies.iter().any(|proxy| proxy.eq_ignore_ascii_case(&name)));
        Box::pin(async move {
            let mut found = names.addresses(&name).await?;
            if let Some(named_by) = named_by {
                found = named_by.fitting(&*names, &name, found).await?;
            }
            let addresses: Addrs = Box::new(found.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(addresses)
        })
    }
}

impl NamedBy {
    /// Returns the addresses of a name if the client may connect to all of them: public addresses, allowed ones, and
    /// those in the private network or on this machine if the host that named them is there too.
    async fn fitting(&self, names: &dyn Names, name: &str, found: Vec<IpAddr>) -> Result<Vec<IpAddr>, InsideNetwork> {
        let is_open = |address: &IpAddr| {
            reach(*address) == Reach::Outer || self.allowed.iter().any(|network| network.contains(*address))
        };
        if found.iter().all(is_open) {
            return Ok(found);
        }
        let own = self.own(names).await;
        let has = |wanted: Reach| own.iter().any(|address| reach(*address) == wanted);
        let fits = |address: &IpAddr| {
            is_open(address)
                || match reach(*address) {
                    Reach::Outer => true,
                    Reach::Machine => has(Reach::Machine),
                    Reach::Private => has(Reach::Private) || has(Reach::Machine),
                    // Such as the address of a provider's metadata service, which every machine of that provider
                    // reaches.
                    Reach::Special => own.contains(address),
                }
        };
        match found.iter().find(|address| !fits(address)) {
            // One refused address is enough: the HTTP client may connect to any of them.
            Some(&address) => Err(InsideNetwork { base: host_of(&self.base), name: name.to_owned(), address }),
            None => Ok(found),
        }
    }

    /// Returns the addresses of the naming host. If the lookup fails, the host counts as public.
    async fn own(&self, names: &dyn Names) -> Vec<IpAddr> {
        match self.base.host() {
            Some(Host::Ipv4(address)) => vec![address.into()],
            Some(Host::Ipv6(address)) => vec![address.to_canonical()],
            Some(Host::Domain(name)) => names.addresses(name).await.unwrap_or_default(),
            None => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Table(Vec<(&'static str, &'static str)>);

    #[async_trait]
    impl Names for Table {
        async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>> {
            let found: Vec<IpAddr> = self
                .0
                .iter()
                .filter(|(key, _)| *key == name)
                .map(|(_, address)| address.parse().expect("one"))
                .collect();
            if found.is_empty() { Err(io::ErrorKind::NotFound.into()) } else { Ok(found) }
        }
    }

    #[tokio::test]
    async fn where_a_name_may_lead() {
        let names = Table(vec![
            ("public.test", "203.0.113.1"),
            ("harbor.corp.test", "10.0.0.7"),
            ("local.test", "127.0.0.1"),
            ("auth.test", "203.0.113.2"),
            ("minio.corp.test", "10.0.0.8"),
            ("minio.corp.test", "fd00::8"),
            ("mixed.test", "203.0.113.3"),
            ("mixed.test", "10.0.0.8"),
            ("evil.test", "169.254.169.254"),
            ("me.test", "127.0.0.1"),
            ("me6.test", "::1"),
            ("nat64.test", "64:ff9b::a00:1"),
            ("zero.test", "0.0.0.0"),
        ]);
        let inside = ["minio.corp.test", "mixed.test", "nat64.test"];
        let machine = ["me.test", "me6.test"];
        let never = ["evil.test", "zero.test"];
        let lookup = |base: &str, allowed: &[&str]| Lookup {
            names: Arc::new(Table(names.0.clone())),
            named_by: Some(NamedBy {
                base: Url::parse(base).expect(base),
                allowed: allowed.iter().map(|text| text.parse().expect("a network")).collect(),
            }),
            proxies: vec!["proxy.test".to_owned()],
        };
        // the host, its allowed addresses, the names that it may lead to besides public ones
        let rows: [(&str, &[&str], Vec<&str>); 8] = [
            ("https://public.test/v2/", &[], vec![]),
            ("https://unknown.test/v2/", &[], vec![]),
            ("https://203.0.113.9/v2/", &[], vec![]),
            ("https://harbor.corp.test/v2/", &[], inside.to_vec()),
            ("https://10.0.0.7/v2/", &[], inside.to_vec()),
            ("http://local.test:5000/v2/", &[], [&inside[..], &machine].concat()),
            ("https://public.test/v2/", &["10.0.0.8", "fd00::/8"], vec!["minio.corp.test", "mixed.test"]),
            ("https://public.test/v2/", &["169.254.169.254", "127.0.0.0/8"], vec!["evil.test", "me.test"]),
        ];
        for (base, allowed, wanted) in rows {
            let lookup = lookup(base, allowed);
            for name in inside.iter().chain(&machine).chain(&never).chain(&["auth.test"]) {
                let found = lookup.resolve(name.parse().expect("a name")).await;
                let may = *name == "auth.test" || wanted.contains(name);
                assert_eq!(found.is_ok(), may, "{base} with {allowed:?} to {name}");
                if let Err(error) = found {
                    let Some(ErrorKind::InsideNetwork { address, said }) = refused(&*error) else { panic!("{error}") };
                    let addresses = names.addresses(name).await.expect("addresses");
                    assert!(addresses.contains(&address) && said.contains(name), "{address}: {said}");
                }
            }
        }
        let free = Lookup { named_by: None, ..lookup("https://public.test/v2/", &[]) };
        assert!(free.resolve("me.test".parse().expect("a name")).await.is_ok(), "settings may name anything");
        let mut proxied = lookup("https://public.test/v2/", &[]);
        proxied.proxies = vec!["ME.test".to_owned()];
        assert!(proxied.resolve("me.test".parse().expect("a name")).await.is_ok(), "so may those of proxies");
    }
}

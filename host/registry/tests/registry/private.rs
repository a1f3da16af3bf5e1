//! The addresses of names that a registry names, and the setting that allows them.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use refkit_content::{ErrorKind, Resolve, fetch};
use refkit_oci::{Descriptor, Reference, Repository};
use refkit_registry::{Client, Hosts, Names, Retries};
use refkit_support::{Access, Fault, FaultRegistry, Rule, TokenServer, digest};

use crate::ask::{builder, error_of, filled, image, user};

/// Names, each with the addresses of successive lookups; the last one stays.
#[derive(Default)]
struct Table {
    names: Mutex<HashMap<&'static str, Vec<&'static str>>>,
    asked: Mutex<Vec<String>>,
}

#[async_trait]
impl Names for Table {
    async fn addresses(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        self.asked.lock().push(name.to_owned());
        let mut names = self.names.lock();
        let left = names.get_mut(name).ok_or(io::ErrorKind::NotFound)?;
        let address = if left.len() > 1 { left.remove(0) } else { left[0] };
        Ok(vec![address.parse().unwrap()])
    }
}

/// Returns a client for `reg.test`. Its first lookup leads to the server of these tests, and later ones, which judge
/// its location, to a public address.
fn asking(port: &str, settings: &str, names: &[(&'static str, &'static str)]) -> (Client, Arc<Table>) {
    let table = Arc::new(Table::default());
    table.names.lock().insert("reg.test", vec!["127.0.0.1", "203.0.113.1"]);
    table.names.lock().extend(names.iter().map(|(name, address)| (*name, vec![*address])));
    let text = format!("[registry.\"reg.test:{port}\"]\nhttp = true\n{settings}");
    let hosts = Hosts::default().refkit(Path::new("refkit.toml"), &text).unwrap();
    let builder = builder(user()).hosts(hosts).retries(Retries::default());
    (builder.names(Arc::clone(&table) as Arc<dyn Names>).build(), table)
}

fn port(host: &str) -> &str {
    host.rsplit_once(':').unwrap().1
}

#[tokio::test]
async fn a_redirect_to_a_name_inside_is_refused_and_can_be_allowed() {
    let (registry, store) = (FaultRegistry::start().unwrap(), FaultRegistry::start().unwrap());
    let bytes = "0123456789";
    store.put_blob("app", bytes);
    let what = Descriptor::new("a/b", digest(bytes.as_bytes()), 10);
    let there = format!("http://store.test:{}/v2/app/blobs/{}", port(&store.host()), what.digest);
    registry.add(Rule::on("GET */blobs/*", Fault::redirect(307, &there)));
    let host = registry.host();
    let from = Repository::new(format!("reg.test:{}", port(&host)), "app").unwrap();
    for address in ["127.0.0.1", "10.0.0.8", "169.254.169.254", "::1", "::ffff:10.0.0.8"] {
        registry.clear();
        let (client, names) = asking(port(&host), "", &[("store.test", address)]);
        let found = error_of(fetch(&client, &from, &what, 100).await);
        let ErrorKind::InsideNetwork { address: inside, said: text } = &found else { panic!("{address}: {found:?}") };
        assert!(text.contains(&format!("reg.test:{} leads to store.test", port(&host))), "{text}");
        assert_eq!(*inside, address.parse::<IpAddr>().unwrap(), "{text}");
        // The error lasts, so the client does not retry.
        assert_eq!((registry.count("*"), store.connections()), (1, 0), "{address}");
        assert_eq!(*names.asked.lock(), ["reg.test", "store.test", "reg.test"]);
    }
    for allowed in ["127.0.0.1", "127.0.0.0/8"] {
        let settings = format!("allow_private = [\"{allowed}\"]");
        let (client, _) = asking(port(&host), &settings, &[("store.test", "127.0.0.1")]);
        assert_eq!(fetch(&client, &from, &what, 100).await.unwrap().value, bytes, "{allowed}");
    }
    let asked = store.requests();
    assert!(asked.len() == 2 && asked.iter().all(|one| one.authorization().is_none()), "{asked:?}");
    // The client judges an address in a URL before any lookup.
    registry.clear_rules();
    registry.add(Rule::on("GET */blobs/*", Fault::redirect(307, &there.replace("store.test", "127.0.0.1"))));
    store.clear();
    let (client, _) = asking(port(&host), "", &[]);
    let found = error_of(fetch(&client, &from, &what, 100).await);
    let ErrorKind::InsideNetwork { address, said } = &found else { panic!("{found:?}") };
    assert!(address.to_string() == "127.0.0.1" && said.contains("inside this network"), "{found:?}");
    assert_eq!(store.count("*"), 0);
    let (client, _) = asking(port(&host), "allow_private = [\"127.0.0.1\"]", &[]);
    assert_eq!(fetch(&client, &from, &what, 100).await.unwrap().value, bytes);
}

#[tokio::test]
async fn a_realm_at_a_name_inside_is_refused_and_can_be_allowed() {
    let registry = filled().await;
    let tokens = TokenServer::opaque().unwrap();
    let realm = format!("http://auth.test:{}/token", port(&tokens.host()));
    let tokens = tokens.with_realm(&realm);
    registry.require(Access::bearer(&tokens));
    let host = registry.host();
    let name = Reference::parse(&format!("reg.test:{}/app:latest", port(&host))).unwrap();
    for address in ["127.0.0.1", "10.0.0.8", "169.254.169.254"] {
        let (client, _) = asking(port(&host), "", &[("auth.test", address)]);
        let found = error_of(client.resolve(&name).await).to_string();
        assert!(found.contains("auth.test") && found.contains("inside this network"), "{found}");
        assert_eq!(tokens.connections(), 0, "{address}: nothing is sent there");
    }
    let (client, _) = asking(port(&host), "allow_private = [\"127.0.0.1\"]", &[("auth.test", "127.0.0.1")]);
    assert_eq!(client.resolve(&name).await.unwrap().value.digest, *image().digest());
    assert_eq!(tokens.count("*"), 1);
    // The same rule applies to a redirect of a token server.
    tokens.add(Rule::on("*", Fault::redirect(307, &realm.replace("auth.test", "evil.test"))));
    let names = [("auth.test", "127.0.0.1"), ("evil.test", "169.254.169.254")];
    let (client, _) = asking(port(&host), "allow_private = [\"127.0.0.1\"]", &names);
    let found = error_of(client.resolve(&name).await).to_string();
    assert!(found.contains("evil.test") && found.contains("169.254.169.254"), "{found}");
}

/// Hosts from settings may have any address: the registry itself, and the hosts in its network.
#[tokio::test]
async fn a_private_registry_may_lead_to_its_network() {
    let registry = filled().await;
    let tokens = TokenServer::opaque().unwrap();
    let tokens = {
        let realm = format!("http://auth.test:{}/token", port(&tokens.host()));
        tokens.with_realm(&realm)
    };
    registry.require(Access::bearer(&tokens));
    let host = registry.host();
    let (client, names) = asking(port(&host), "", &[("auth.test", "127.0.0.1")]);
    names.names.lock().insert("reg.test", vec!["127.0.0.1"]);
    let name = Reference::parse(&format!("reg.test:{}/app:latest", port(&host))).unwrap();
    assert_eq!(client.resolve(&name).await.unwrap().value.digest, *image().digest());
}

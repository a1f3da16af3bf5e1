//! Mounts of blobs from another repository of the same registry.

use refkit_content::{Discover, ErrorKind, Push, copy};
use refkit_oci::{Descriptor, Reference, Repository};
use refkit_registry::Credentials;
use refkit_support::image::ImageBuilder;
use refkit_support::{Access, Auth, Fault, FaultRegistry, RealRegistry, Rule, TokenServer, digest};

use crate::ask::{USER, anonymous, client, error_of, image, reference, repository, user};

fn mirror(host: &str) -> Repository {
    Repository::new(host, "mirror/of/app").expect("a repository")
}

#[tokio::test]
async fn responses_to_a_mount() {
    let what = Descriptor::new("a/b", digest(b"0123456789"), 10);
    let zero = format!("sha256:{}", "0".repeat(64));
    // the fault, whether the other repository has the blob, the result, the requests
    let rows = [
        ("201", None, true, Ok(true), 1),
        ("202, as there is nothing to mount", None, false, Ok(false), 2),
        (
            "202, as it does not do this",
            Some(Fault::status(202).header("location", "/v2/mirror/of/app/blobs/uploads/1")),
            true,
            Ok(false),
            2,
        ),
        (
            "202 and another place",
            Some(Fault::status(202).header("location", "http://127.0.0.1:9/x")),
            true,
            Ok(false),
            1,
        ),
        ("202 and no place", Some(Fault::status(202)), true, Ok(false), 1),
        ("404", Some(Fault::status(404)), true, Ok(false), 1),
        ("405", Some(Fault::status(405)), true, Ok(false), 1),
        ("403", Some(Fault::status(403)), true, Ok(false), 1),
        ("500", Some(Fault::status(500)), true, Ok(false), 1),
        ("a redirect", Some(Fault::redirect(307, "http://127.0.0.1:9/x")), true, Ok(false), 1),
        ("no answer", Some(Fault::hang_up()), true, Err("unavailable"), 1),
        ("another digest", Some(Fault::normal().header("docker-content-digest", &zero)), true, Err("digest"), 1),
    ];
    for (name, fault, there, wanted, requests) in rows {
        let registry = FaultRegistry::start().unwrap();
        if there {
            registry.put_blob("app", "0123456789");
        }
        if let Some(fault) = fault {
            registry.add(Rule::on("POST *", fault));
        }
        let mounted = anonymous().mount(&mirror(&registry.host()), &what, &repository(&registry.host())).await;
        match (mounted, wanted) {
            (Ok(mounted), Ok(wanted)) => assert_eq!(mounted, wanted, "{name}"),
            (Err(error), Err(wanted)) => assert!(error.to_string().contains(wanted), "{name}: {error}"),
            (mounted, _) => panic!("{name}: {mounted:?}"),
        }
        assert_eq!(registry.count("*"), requests, "{name}: {:?}", registry.requests());
        let there = registry.blob("mirror/of/app", what.digest.as_str()).is_some();
        // The registry that names another digest has mounted the blob all the same.
        assert_eq!(there, wanted == Ok(true) || wanted == Err("digest"), "{name}");
    }
    let (one, two) = (FaultRegistry::start().unwrap(), FaultRegistry::start().unwrap());
    one.put_blob("app", "0123456789");
    for (to, from) in
        [(mirror(&two.host()), repository(&one.host())), (repository(&one.host()), repository(&one.host()))]
    {
        assert!(!anonymous().mount(&to, &what, &from).await.unwrap());
    }
    assert_eq!((one.count("*"), two.count("*")), (0, 0), "nothing to ask");
}

#[tokio::test]
async fn a_copy_within_a_registry_mounts_or_pushes() {
    let to = |host: &str| Reference::new(mirror(host), Some("1".to_owned()), None).expect("a reference");
    let open = |status: u16| Some(Fault::status(status));
    // the fault of the mount, attempted mounts, blobs that are read and sent
    let rows = [
        ("it mounts", None, 2, 0),
        ("it opens uploads", Some(Fault::normal()), 1, 2),
        ("404", open(404), 1, 2),
        ("405", open(405), 1, 2),
        ("500", open(500), 1, 2),
    ];
    for (name, fault, mounts, blobs) in rows {
        let registry = FaultRegistry::start().unwrap();
        image().push(&anonymous(), &reference(&registry.host(), ":1")).await.unwrap();
        registry.clear();
        let uploads = fault.is_some_and(|fault| {
            let normal = format!("{fault:?}").contains("Normal");
            let matches = |request: &http::request::Parts| request.uri.query().is_some_and(|q| q.contains("mount="));
            let location = "/v2/mirror/of/app/blobs/uploads/none";
            let fault = if normal { Fault::status(202).header("location", location) } else { fault };
            registry.add(Rule::when(matches, fault));
            normal
        });
        let asking = anonymous();
        copy(&asking, &reference(&registry.host(), ":1"), &asking, &to(&registry.host())).await.expect(name);
        assert_eq!(registry.count("POST *?mount=*"), mounts, "{name}");
        assert_eq!((registry.count("GET */blobs/*"), registry.count("PUT */blobs/*")), (blobs, blobs), "{name}");
        assert_eq!(registry.count("DELETE *"), usize::from(uploads), "{name}: what was opened is closed");
        assert_eq!(registry.count("PUT */manifests/*"), 2, "{name}");
    }
}

/// A mount reads one repository and writes another, with one token for both.
#[tokio::test]
async fn tokens_for_a_mount() {
    let tokens = TokenServer::opaque().unwrap();
    tokens.require(USER.0, USER.1);
    let registry = FaultRegistry::start().unwrap();
    registry.put_blob("app", "0123456789");
    registry.require(Access::bearer(&tokens));
    let what = Descriptor::new("a/b", digest(b"0123456789"), 10);
    let asking = client(user());
    // Once with the scope of the challenge, and once with the scopes known by then.
    for _ in 0..2 {
        assert!(asking.mount(&mirror(&registry.host()), &what, &repository(&registry.host())).await.unwrap());
    }
    let requests = tokens.requests();
    assert_eq!(requests.len(), 1, "{requests:?}");
    let scopes: Vec<_> = url::form_urlencoded::parse(requests[0].query().unwrap().as_bytes())
        .filter(|(name, _)| name == "scope")
        .map(|(_, scope)| scope.into_owned())
        .collect();
    assert_eq!(scopes, ["repository:app:pull", "repository:mirror/of/app:pull,push"]);
    // The token for a mount does not serve other requests.
    assert!(asking.has(&mirror(&registry.host()), &what).await.unwrap());
    assert_eq!(tokens.requests().len(), 2);
    let found = error_of(client(Credentials::Anonymous).has(&mirror(&registry.host()), &what).await);
    assert!(matches!(found, ErrorKind::Unauthorized(_)), "{found:?}");
}

#[tokio::test]
async fn real_registries_mount() {
    let tokens = TokenServer::signed().unwrap();
    tokens.require(USER.0, USER.1);
    let basic = Auth::Basic { user: USER.0, password: USER.1 };
    for auth in [Auth::Anonymous, basic, Auth::Bearer(&tokens)] {
        for registry in [RealRegistry::distribution_v3(auth).unwrap(), RealRegistry::debian_v2(auth).unwrap()] {
            let asking = client(user());
            image().push(&asking, &reference(registry.host(), ":1")).await.unwrap();
            registry.clear().unwrap();
            tokens.clear();
            let asking = client(user());
            let to = Reference::new(mirror(registry.host()), Some("1".to_owned()), None).expect("a reference");
            let copied = copy(&asking, &reference(registry.host(), ":1"), &asking, &to).await.unwrap();
            assert_eq!(copied.digest, *image().digest());
            let asked = registry.requests().unwrap();
            let count = |pattern| registry.count(pattern).unwrap();
            assert_eq!((count("GET */blobs/*"), count("PUT */blobs/*"), count("DELETE *")), (0, 0, 0), "{asked:?}");
            let mounted = asked.iter().filter(|request| request.method == "POST" && request.status == 201).count();
            assert_eq!(mounted, 2, "{asked:?}");
            if let Auth::Bearer(_) = auth {
                // One for reading, one for writing, and one for the mount.
                assert_eq!(tokens.requests().len(), 3, "{:?}", tokens.requests());
            }
            let artifact = ImageBuilder::artifact("application/vnd.example", &image()).build();
            let pinned = Reference::new(mirror(registry.host()), None, Some(artifact.digest().clone())).unwrap();
            artifact.push(&asking, &pinned).await.unwrap();
            let listed = asking.referrers(&mirror(registry.host()), image().digest(), None).await.unwrap().value;
            assert_eq!(listed.len(), 1);
        }
    }
}

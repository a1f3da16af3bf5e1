//! The number of requests at a registry.

use refkit_content::{Cache, Cached, Resolve};
use refkit_registry::Credentials;
use refkit_support::{Access, FaultRegistry, TokenServer};

use crate::ask::{USER, anonymous, client, image, reference, user, walk};

#[tokio::test]
async fn the_least_requests() {
    let registry = FaultRegistry::start().unwrap();
    let filling = anonymous();
    image().push(&filling, &reference(&registry.host(), ":latest")).await.unwrap();
    let tokens = TokenServer::opaque().unwrap();
    tokens.require(USER.0, USER.1);
    let image = image();
    // access; requests for the whole of one platform, for the digest alone, and at the token server
    for (access, whole, head, of_server) in
        [(Access::open(), 3, 1, 0), (Access::basic(USER.0, USER.1), 4, 2, 0), (Access::bearer(&tokens), 4, 2, 1)]
    {
        registry.require(access);
        registry.clear();
        tokens.clear();
        let (root, ..) = walk(&client(user()), &reference(&registry.host(), ":latest")).await.unwrap();
        assert_eq!((root.descriptor.digest, root.bytes), (image.digest().clone(), image.bytes.clone()));
        assert_eq!((registry.count("*"), tokens.count("*")), (whole, of_server), "{:?}", registry.requests());

        registry.clear();
        tokens.clear();
        let asking = client(user());
        let found = asking.resolve(&reference(&registry.host(), ":latest")).await.unwrap().value;
        assert_eq!((&found.digest, found.size), (image.digest(), image.bytes.len() as u64));
        assert_eq!((registry.count("HEAD *"), registry.count("*")), (head, head));
        assert_eq!(tokens.count("*"), of_server);
        // The client now knows what the registry wants.
        asking.resolve(&reference(&registry.host(), ":latest")).await.unwrap();
        assert_eq!((registry.count("*"), tokens.count("*")), (head + 1, of_server));
        assert_eq!(registry.count("* /v2/"), 0);
    }
}

#[tokio::test]
async fn a_warm_cache_serves_a_digest_without_requests() {
    let registry = FaultRegistry::start().unwrap();
    let image = image();
    image.push(&anonymous(), &reference(&registry.host(), ":latest")).await.unwrap();
    registry.require(Access::basic(USER.0, USER.1));
    let pinned = reference(&registry.host(), &format!("@{}", image.digest()));
    let cache = Cache::new(1 << 20);
    // A new process has a new client, and the same cache.
    for requests in [4, 0, 0] {
        registry.clear();
        let cached = Cached::new(client(user()), cache.clone());
        let (root, ..) = walk(&cached, &pinned).await.unwrap();
        assert_eq!(cached.resolve(&pinned).await.unwrap().value, root.descriptor);
        assert_eq!((root.bytes, registry.count("*")), (image.bytes.clone(), requests), "{:?}", registry.requests());
    }
    // A tag costs one request each time.
    for _ in 0..2 {
        registry.clear();
        walk(&Cached::new(client(user()), cache.clone()), &reference(&registry.host(), ":latest")).await.unwrap();
        assert_eq!(registry.count("*"), 2, "{:?}", registry.requests());
    }
}

#[tokio::test]
async fn concurrent_equal_requests_share_a_token() {
    let registry = FaultRegistry::start().unwrap();
    image().push(&anonymous(), &reference(&registry.host(), ":latest")).await.unwrap();
    let tokens = TokenServer::opaque().unwrap();
    registry.require(Access::bearer(&tokens));
    let asking = client(Credentials::Anonymous);
    let name = reference(&registry.host(), ":latest");
    let all = (0..50).map(|_| asking.resolve(&name));
    for found in futures_util::future::join_all(all).await {
        found.unwrap();
    }
    assert_eq!(tokens.count("*"), 1);
}

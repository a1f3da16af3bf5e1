//! The distribution project's registry in both versions, with every kind of access.

use refkit_content::{Discover, ErrorKind, Resolve};
use refkit_registry::Credentials;
use refkit_support::image::ImageBuilder;
use refkit_support::{Auth, RealRegistry, TokenServer};

use crate::ask::{USER, client, error_of, image, reference, repository, user, walk};

#[tokio::test]
async fn everything() {
    let tokens = TokenServer::signed().unwrap();
    tokens.require(USER.0, USER.1);
    let (user_name, password) = USER;
    let basic = Auth::Basic { user: user_name, password };
    // access; requests for the config of one platform, token requests included
    for (auth, whole) in [(Auth::Anonymous, 3), (basic, 4), (Auth::Bearer(&tokens), 5)] {
        for registry in [RealRegistry::distribution_v3(auth).unwrap(), RealRegistry::debian_v2(auth).unwrap()] {
            let (name, image) = (reference(registry.host(), ":1"), image());
            image.push(&client(user()), &name).await.unwrap();

            registry.clear().unwrap();
            tokens.clear();
            let (root, ..) = walk(&client(user()), &name).await.unwrap();
            assert_eq!((&root.descriptor.digest, &root.bytes), (image.digest(), &image.bytes));
            let asked = registry.requests().unwrap();
            assert_eq!(asked.len() + tokens.count("*"), whole, "{asked:?}");
            assert!(asked.iter().all(|request| request.path() != "/v2/"), "{asked:?}");

            registry.clear().unwrap();
            let asking = client(user());
            assert_eq!(asking.resolve(&name).await.unwrap().value.digest, *image.digest());
            let heads = registry.count("HEAD */manifests/1").unwrap();
            assert_eq!(heads, if matches!(auth, Auth::Anonymous) { 1 } else { 2 });
            assert_eq!(registry.count("*").unwrap(), heads);

            let from = repository(registry.host());
            assert_eq!(asking.tags(&from).await.unwrap().value, ["1"]);
            // Neither version has the referrers API: the list is under a tag.
            assert_eq!(asking.referrers(&from, image.digest(), None).await.unwrap().value, []);
            let artifact = ImageBuilder::artifact("application/vnd.example", &image).build();
            artifact.push(&asking, &reference(registry.host(), &format!("@{}", artifact.digest()))).await.unwrap();
            let listed = asking.referrers(&from, image.digest(), None).await.unwrap().value;
            assert_eq!(listed.iter().map(|one| &one.digest).collect::<Vec<_>>(), [artifact.digest()]);

            assert!(matches!(error_of(asking.pull(&reference(registry.host(), ":none")).await), ErrorKind::NotFound));
            if !matches!(auth, Auth::Anonymous) {
                let found = error_of(client(Credentials::Anonymous).pull(&name).await);
                assert!(matches!(found, ErrorKind::Unauthorized(_)), "{found}");
            }
        }
    }
}

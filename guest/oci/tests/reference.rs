//! References beyond the tables of distribution/reference: parts, equal names, and errors.

use refkit_oci::{Digest, Reference, Repository};

fn digest() -> Digest {
    format!("sha256:{}", "a".repeat(64)).parse().unwrap()
}

#[test]
fn the_parts_of_a_reference() {
    let digest = digest();
    let tagged: Reference = "alpine:3.20".parse().unwrap();
    let both = tagged.with_digest(digest.clone());
    assert_eq!(both.to_string(), format!("docker.io/library/alpine:3.20@{digest}"));
    assert_eq!(both.familiar(), format!("alpine:3.20@{digest}"));
    assert_eq!((both.tag(), both.digest()), (Some("3.20"), Some(&digest)));
    assert_eq!(both.without_digest(), Ok(tagged.clone()));
    assert_eq!(both.with_tag("edge").unwrap().to_string(), "docker.io/library/alpine:edge");
    let bare = Reference::new(tagged.repository().clone(), None, Some(digest.clone())).unwrap();
    assert_eq!(bare, format!("alpine@{digest}").parse().unwrap());
    assert_eq!(bare.tag(), None);
    assert!(bare.without_digest().unwrap_err().to_string().contains("neither tag nor digest"));
    assert!(Reference::new(tagged.repository().clone(), None, None).is_err());
    for tag in ["", ".a", "-a", "a b", "a/b", "a:b", "é", "a@b", "a\n", &"a".repeat(129)] {
        assert!(tagged.with_tag(tag).is_err(), "{tag:?}");
        assert!(Reference::new(tagged.repository().clone(), Some(tag.to_owned()), Some(digest.clone())).is_err());
        assert!(Reference::parse(&format!("alpine:{tag}")).is_err() || tag == "a/b", "{tag:?}");
    }
    for tag in ["a", "_", "A.b-c_d", "5000", &"a".repeat(128)] {
        assert_eq!(tagged.with_tag(tag).unwrap().tag(), Some(tag));
    }
}

#[test]
fn one_repository_has_one_name() {
    let rows = [
        ("docker.io", "alpine", "docker.io/library/alpine", "alpine"),
        ("docker.io", "library/alpine", "docker.io/library/alpine", "alpine"),
        ("index.docker.io", "alpine", "docker.io/library/alpine", "alpine"),
        ("index.docker.io", "user/app", "docker.io/user/app", "user/app"),
        ("docker.io", "library/a/b", "docker.io/library/a/b", "library/a/b"),
        ("registry-1.docker.io", "alpine", "docker.io/library/alpine", "alpine"),
        ("registry.hub.docker.com", "library/alpine", "docker.io/library/alpine", "alpine"),
        ("Index.Docker.IO:443", "user/app", "docker.io/user/app", "user/app"),
        ("docker.io:00443", "alpine", "docker.io/library/alpine", "alpine"),
        // Another port belongs to another server.
        ("docker.io:5000", "alpine", "docker.io:5000/alpine", "docker.io:5000/alpine"),
        ("registry-1.docker.io:80", "alpine", "registry-1.docker.io:80/alpine", "registry-1.docker.io:80/alpine"),
        ("GHCR.io", "app", "ghcr.io/app", "ghcr.io/app"),
        ("ghcr.io:443", "app", "ghcr.io/app", "ghcr.io/app"),
        ("ghcr.io:80", "app", "ghcr.io:80/app", "ghcr.io:80/app"),
        ("ghcr.io:05000", "app", "ghcr.io:5000/app", "ghcr.io:5000/app"),
        ("ghcr.io:000", "app", "ghcr.io:0/app", "ghcr.io:0/app"),
        ("LOCALHOST:5000", "app", "localhost:5000/app", "localhost:5000/app"),
        // Many clients use HTTP for this machine, so neither port is the default.
        ("localhost:443", "app", "localhost:443/app", "localhost:443/app"),
        ("localhost:80", "app", "localhost:80/app", "localhost:80/app"),
        ("127.0.0.1:443", "app", "127.0.0.1:443/app", "127.0.0.1:443/app"),
        ("127.0.0.1.example:443", "app", "127.0.0.1.example/app", "127.0.0.1.example/app"),
        ("10.0.0.1:443", "app", "10.0.0.1/app", "10.0.0.1/app"),
        // A name of one word without a port would be read as a path.
        ("Foo", "bar", "foo:443/bar", "foo:443/bar"),
        ("foo:443", "bar", "foo:443/bar", "foo:443/bar"),
        ("Foo:80", "bar", "foo:80/bar", "foo:80/bar"),
        ("localhost", "app", "localhost/app", "localhost/app"),
        ("[::1]:5000", "app", "[::1]:5000/app", "[::1]:5000/app"),
        ("[0:0:0:0:0:0:0:1]:443", "app", "[::1]:443/app", "[::1]:443/app"),
        ("[2001:DB8:0:0::1]:443", "app", "[2001:db8::1]/app", "[2001:db8::1]/app"),
        ("[2001:0db8::0:1]", "app", "[2001:db8::1]/app", "[2001:db8::1]/app"),
        // Short forms that would be ambiguous.
        ("docker.io", "localhost/app", "docker.io/localhost/app", "docker.io/localhost/app"),
        ("docker.io", "evil.test/app", "docker.io/evil.test/app", "docker.io/evil.test/app"),
    ];
    for (registry, path, name, familiar) in rows {
        let repository = Repository::new(registry, path).unwrap();
        assert_eq!((repository.to_string(), repository.familiar()), (name.to_owned(), familiar.to_owned()));
        assert_eq!(name.parse(), Ok(repository.clone()));
        assert_eq!(familiar.parse(), Ok(repository));
    }
    // The name of another kind of store is a registry only if the caller gives it as one.
    assert_eq!(Repository::new("oci-layout", "image").unwrap().to_string(), "oci-layout/image");
    let id = "a".repeat(64);
    let repository = Repository::new("docker.io", &id).unwrap();
    assert_eq!(repository.familiar(), format!("docker.io/library/{id}"));
    assert!(Reference::parse(&id).unwrap_err().to_string().contains("an image's id"));
    assert_eq!(Reference::parse(&format!("{id}:1")).unwrap().repository(), &repository);
}

#[test]
fn invalid_repositories() {
    let long = "a".repeat(256);
    let rows = [
        ("", "app", "registry"),
        ("-a.test", "app", "registry"),
        ("a..test", "app", "registry"),
        ("a.test.", "app", "registry"),
        ("a.test:", "app", "registry"),
        ("a.test:http", "app", "registry"),
        ("a.test:1:2", "app", "registry"),
        ("a.test/b", "app", "registry"),
        ("user@a.test", "app", "registry"),
        ("http://a.test", "app", "registry"),
        ("a.test?x", "app", "registry"),
        ("a.test\r\nHost: b", "app", "registry"),
        ("é.test", "app", "registry"),
        ("[::1", "app", "registry"),
        ("[]", "app", "registry"),
        ("[::1]x", "app", "registry"),
        ("[fe80::1%25eth0]", "app", "registry"),
        ("[:::1]", "app", "no IPv6 address"),
        ("[1:2]", "app", "no IPv6 address"),
        ("[::ffff:7f00:1]", "app", "is an IPv4 address"),
        // Some resolvers read this as 127.0.0.1.
        ("127.1", "app", "IPv4"),
        ("127.1:5000", "app", "IPv4"),
        ("127.0.0.01", "app", "IPv4"),
        ("0177.0.0.1", "app", "IPv4"),
        ("0x7f.0.0.1", "app", "IPv4"),
        ("0X7F.1", "app", "IPv4"),
        ("127.0.0.0x1", "app", "IPv4"),
        ("a.0x", "app", "IPv4"),
        ("2130706433:5000", "app", "IPv4"),
        ("127.0.0.1.5", "app", "IPv4"),
        ("127.0.0.256", "app", "IPv4"),
        ("a.test.1", "app", "IPv4"),
        ("a.test", "", "malformed"),
        ("a.test", "/app", "malformed"),
        ("a.test", "app/", "malformed"),
        ("a.test", "a//b", "malformed"),
        ("a.test", "..", "malformed"),
        ("a.test", "a/../b", "malformed"),
        ("a.test", "a/./b", "malformed"),
        ("a.test", "a%2fb", "malformed"),
        ("a.test", "a?b", "malformed"),
        ("a.test", "a b", "malformed"),
        ("a.test", "a:b", "malformed"),
        ("a.test", "a___b", "malformed"),
        ("a.test", "a._b", "malformed"),
        ("a.test", "App", "upper-case"),
        ("a.test", &long, "255"),
        (&["a."; 130].concat(), "app", "259"),
        // With `library/` it is too long.
        ("docker.io", &long[..250], "255"),
    ];
    for (registry, path, reason) in rows {
        let error = Repository::new(registry, path).expect_err(path);
        assert!(error.reason.contains(reason), "{registry} {path}: {error}");
        assert!(error.text.chars().count() <= 160);
        assert!(Reference::parse(&format!("{registry}/{path}@sha256:x")).is_err());
    }
    assert!(Repository::new("a.test", &long[..255]).is_ok());
    for text in ["alpine:3.20", "alpine@sha256:x", &format!("alpine@{}", digest()), ""] {
        assert!(Repository::parse(text).is_err(), "{text:?}");
    }
}

#[test]
fn any_text_is_parsed_without_a_panic() {
    let long = "a/".repeat(500_000);
    let texts =
        [&long, "@", ":", "/", "@@", "::", "//", "a@", "a:", "a/", "/a", "é", "\0", "a:b@", "[", "]", "[/", "a:b:c"];
    for text in texts {
        let error = Reference::parse(text).expect_err(text);
        assert!(error.text.chars().count() <= 160 && error.to_string().len() < 400, "{error}");
    }
}

/// A registry of one word gets a port, and then has to be short enough to be read again.
#[test]
fn a_registry_is_as_short_as_its_normal_spelling() {
    for (length, fits) in [(255, true), (256, false), (259, false), (260, false)] {
        let text = format!("{}/b", "F".repeat(length));
        let parsed = refkit_oci::Reference::parse(&text);
        assert_eq!(parsed.is_ok(), fits, "{length}");
        if let Ok(reference) = parsed {
            assert_eq!(refkit_oci::Reference::parse(&reference.to_string()), Ok(reference), "{length}");
        }
    }
}

//! Real registries redirect for the content of blobs to a CDN, which nobody needs rights for.

use refkit_support::{Auth, Authority, Cdn, RealRegistry, basic, plain, secure};

#[test]
fn blobs_are_elsewhere() {
    let access = Auth::Basic { user: "user", password: "secret" };
    type Start = fn(Auth<'_>, &Cdn) -> anyhow::Result<RealRegistry>;
    for start in [RealRegistry::distribution_v3_with as Start, RealRegistry::debian_v2_with] {
        let cdn = Cdn::start(None).unwrap();
        let registry = start(access, &cdn).unwrap();
        let blob = registry.put_blob("app", b"0123456789").unwrap();
        let target = format!("/v2/app/blobs/{blob}");
        assert_eq!(plain::get(registry.host(), &target, &[]).unwrap().status, 401);
        let own = basic("user", "secret");
        let reply = plain::get(registry.host(), &target, &[("Authorization", &own)]).unwrap();
        assert_eq!(reply.status, 307, "{reply:?}");
        let location = reply.header("location").unwrap();
        let path = location.strip_prefix(&cdn.url()).unwrap();
        let host = cdn.url().replace("http://", "");
        assert_eq!(plain::get(&host, path, &[]).unwrap().body, b"0123456789");
        let part = plain::get(&host, path, &[("Range", "bytes=4-"), ("Authorization", &own)]).unwrap();
        assert_eq!((part.status, part.header("content-range")), (206, Some("bytes 4-9/10")));
        let asked: Vec<(u16, bool)> = cdn.requests().unwrap().iter().map(|one| (one.status, one.authorized)).collect();
        assert_eq!(asked, [(200, false), (206, true)]);
        cdn.clear().unwrap();
        assert_eq!(cdn.requests().unwrap(), []);
    }
}

#[test]
fn it_may_speak_tls() {
    let authority = Authority::new().unwrap();
    let cdn = Cdn::start(Some(&authority)).unwrap();
    let registry = RealRegistry::distribution_v3_with(Auth::Anonymous, &cdn).unwrap();
    let blob = registry.put_blob("app", b"0123456789").unwrap();
    let reply = plain::get(registry.host(), &format!("/v2/app/blobs/{blob}"), &[]).unwrap();
    let path = reply.header("location").unwrap().strip_prefix(&cdn.url()).unwrap().to_owned();
    let host = cdn.url().replace("https://", "");
    assert_eq!(secure::get(&host, &authority.pem(), None, &path, &[]).unwrap().body, b"0123456789");
}

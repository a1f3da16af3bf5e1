//! The paths of the methods.

macro_rules! paths {
    ($($service:literal: $($name:ident = $method:literal),+;)+) => {
        $($(
            #[doc = concat!("`", $method, "`.")]
            pub const $name: &str = concat!("/", $service, "/", $method);
        )+)+
    };
}

paths! {
    "refkit.v1.RegistryService":
        RESOLVE = "Resolve",
        FETCH = "Fetch",
        LIST_TAGS = "ListTags",
        LIST_REFERRERS = "ListReferrers",
        EXISTS = "Exists",
        MOUNT = "Mount",
        PUSH = "Push";
    "refkit.v1.ImageService":
        RESOLVE_IMAGE = "ResolveImage",
        EXPLAIN = "Explain",
        LOAD_POLICY = "LoadPolicy";
    "moby.buildkit.v1.frontend.LLBBridge":
        BRIDGE_PING = "Ping",
        RESOLVE_IMAGE_CONFIG = "ResolveImageConfig",
        RESOLVE_SOURCE_META = "ResolveSourceMeta";
    "moby.buildkit.v1.sourcepolicy.policysession.PolicyVerifier":
        CHECK_POLICY = "CheckPolicy";
}

/// What the paths of all methods of `LLBBridge` begin with.
pub(crate) const BRIDGE: &str = "/moby.buildkit.v1.frontend.LLBBridge/";

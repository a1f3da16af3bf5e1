//! BuildKit's own services, as BuildKit's clients call them: the two methods of `LLBBridge` that resolve an image, and
//! the decision about a source of a build.

mod attested;
mod config;
mod image;
mod meta;
mod ping;
mod policy;

pub use config::resolve_image_config;
pub use meta::resolve_source_meta;
pub use ping::ping;
pub use policy::check_policy;

/// What an identifier of an image begins with.
const IMAGE: &str = "docker-image://";

/// What an identifier of a blob in a repository begins with.
const BLOB: &str = "docker-image+blob://";

/// The text for methods that build.
pub const NO_BUILD: &str = "this server resolves images, and does not build: of LLBBridge it has Ping, ResolveImageConfig \
    and ResolveSourceMeta";

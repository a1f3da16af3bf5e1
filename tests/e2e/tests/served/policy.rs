//! The server's policies in builds: by the session's policy provider, and by the resolver of a frontend.

use refkit_e2e::{Files, Stage, base};

use crate::server::{Server, policy};

/// The platforms of the images.
const PLATFORMS: [&str; 2] = ["linux/amd64", "linux/arm64"];

fn variant(files: &Files) -> anyhow::Result<[String; 2]> {
    Ok([files.text("variant")?.to_owned(), files.text("env")?.to_owned()])
}

fn of(name: &str) -> [String; 2] {
    [format!("{name} {}", base::native()), format!("{name} {}", base::native())]
}

/// ALLOW and CONVERT: an image by its tag becomes the one that the policies choose, pinned. DENY: the build fails with the
/// policy's reason.
#[test]
fn the_policies_of_the_server_decide_about_a_build() -> anyhow::Result<()> {
    let stage = Stage::new()?;
    let app = stage.put("app", &base::index("app", &PLATFORMS)?)?;
    stage.put("other", &base::index("other", &PLATFORMS)?)?;
    let denied = stage.put("denied", &base::index("denied", &PLATFORMS)?)?;
    let host = stage.registry.host();
    let rules = format!(
        "[[rule]]\nmatch = \"{host}/denied\"\npolicies = \"nothing\"\n\
         [[rule]]\nmatch = \"{host}/redirected\"\npolicies = \"redirect\"\n\
         [policy.nothing]\nfile = \"{}\"\nset = {{ allow = \"docker.io/library/none\" }}\n\
         [policy.redirect]\nfile = \"{}\"\nset = {{ from = \"{host}/redirected\", to = \"{host}/other\" }}\n\
         grants = \"{host}/other\"\n",
        policy("allow-list")?,
        policy("redirect")?
    );
    let server = Server::start(&rules)?;
    for mode in ["policy", "frontend"] {
        let built = server.build(mode, &stage, &app)?.map_err(anyhow::Error::msg)?;
        // With a policy provider, the frontend knows no config: the server is asked about sources alone.
        assert_eq!(built.text("variant")?, of("app")[0], "{mode}");
        let redirected = server.build(mode, &stage, &format!("{host}/redirected:1"))?.map_err(anyhow::Error::msg)?;
        assert_eq!(redirected.text("variant")?, of("other")[0], "{mode}");
        let failed = server.build(mode, &stage, &denied)?.err().unwrap_or_default();
        assert!(failed.contains("by policy allow-list (rule allow-list): "), "{mode}: {failed}");
    }
    let frontend = server.build("frontend", &stage, &app)?.map_err(anyhow::Error::msg)?;
    assert_eq!(variant(&frontend)?, of("app"), "the config is that of the image");
    assert!(server.log().contains("CheckPolicy"), "{}", server.log());
    Ok(())
}

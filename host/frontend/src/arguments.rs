//! The command line, which the image's maker writes.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Parser, ValueEnum};
use refkit::settings::Assignment;
use refkit_oci::pattern::Pattern;

/// Starts a BuildKit frontend with policies between it and BuildKit: they decide which images the build gets.
///
/// This is the entrypoint of a frontend's image; `refkit frontend image` makes such images.
#[derive(Debug, Parser)]
#[command(name = "refkit-frontend", version)]
pub struct Arguments {
    /// A policy, a WebAssembly component; the first one is asked first, RefKit's default policy last. Code of the same
    /// name that ends in .cwasm, if it is there, was compiled from it ahead of time.
    #[arg(long = "policy", value_name = "FILE")]
    pub policies: Vec<PathBuf>,
    /// A setting, of the only policy that has one of that name. POLICY.NAME=VALUE says which policy is meant, by its
    /// name or by its place in the chain, from 1.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub settings: Vec<Assignment>,
    /// Repositories that policies may read besides that of the image in question, such as ghcr.io/example/*.
    #[arg(long = "grant", value_name = "PATTERN")]
    pub grants: Vec<Pattern>,
    /// Where a build may bring a policy of its own from; it is asked after those of --policy. By default, from nowhere.
    #[arg(long = "allow-policy", value_name = "WHERE", value_enum)]
    pub allowed: Vec<Allowed>,
    /// Prints each of these on a line of its own, and does nothing else: steps of a build that explain run this.
    #[arg(long = "print", value_name = "LINE", hide = true, num_args = 1.., allow_hyphen_values = true, exclusive = true)]
    pub print: Vec<String>,
    /// The frontend, and its arguments.
    #[arg(last = true, value_name = "CHILD", required_unless_present = "print")]
    pub child: Vec<OsString>,
}

/// Where a build may bring a policy from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Allowed {
    /// `--build-arg REFKIT_POLICY=docker-image://REPOSITORY@DIGEST`
    BuildArg,
    /// `--build-context refkit-policy=…`
    Context,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn parse(arguments: &[&str]) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from(["refkit-frontend"].iter().chain(arguments))
    }

    #[test]
    fn the_child_is_what_follows_two_dashes() {
        Arguments::command().debug_assert();
        let all =
            parse(&["--policy", "/a.wasm", "--set", "x=y", "--allow-policy", "context", "--", "/bin/f", "--policy"]);
        let all = all.unwrap();
        assert_eq!((all.policies.len(), all.child.len()), (1, 2));
        assert_eq!(all.allowed, [Allowed::Context]);
        assert_eq!(parse(&["--print", "├─ a", "--b", "-"]).unwrap().print, ["├─ a", "--b", "-"]);
        for wrong in [&[][..], &["--policy", "/a"], &["/bin/f"], &["--allow-policy", "any", "--", "f"], &["--"]] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }
}

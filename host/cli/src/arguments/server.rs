//! Arguments about a server that asks registries for the command.

use std::path::PathBuf;

use clap::Args;
use refkit_server::client::Address;

/// A server, and how the command shows it who it is.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Server")]
pub struct Server {
    /// Asks registries through this server, by its settings, credentials and rules: unix:///PATH, tcp://HOST:PORT or
    /// https://HOST[:PORT], where refkit serve listens.
    #[arg(long = "server", value_name = "ADDR", conflicts_with_all = ["refkit", "buildkitd", "certs_d", "plain_http"])]
    pub address: Option<Address>,
    /// The certificates that are trusted to sign the server's, in PEM; by default those of the system.
    #[arg(long = "server-ca", value_name = "FILE", requires = "address")]
    pub ca: Option<PathBuf>,
    /// The certificate that the command shows to the server, in PEM.
    #[arg(long = "server-cert", value_name = "FILE", requires_all = ["address", "key"])]
    pub cert: Option<PathBuf>,
    /// The key of that certificate, in PEM.
    #[arg(long = "server-key", value_name = "FILE", requires_all = ["address", "cert"])]
    pub key: Option<PathBuf>,
    /// A file with the token that the command shows to the server.
    #[arg(long = "server-token", value_name = "FILE", requires = "address")]
    pub token: Option<PathBuf>,
}

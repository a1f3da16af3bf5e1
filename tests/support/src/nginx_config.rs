//! The configuration of an nginx, and the files that it names.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};

use crate::authority::{Authority, Issued};
use crate::nginx_log::FORMAT;

/// nginx's messages, below its directory.
pub(crate) const MESSAGES: &str = "messages.log";
/// The requests, below its directory.
pub(crate) const LOG: &str = "access.log";
/// The socket that nobody but its value knows, below its directory.
pub(crate) const OWN_SOCKET: &str = "own.sock";
/// What is logged of a request there.
pub(crate) const OWN_LINE: &str = "own";

/// What an nginx answers with.
pub(crate) enum Content {
    /// What another server answers.
    Server(String),
    /// The files below a directory.
    Files(PathBuf),
}

/// Everything that a configuration says.
pub(crate) struct Setup<'a> {
    pub(crate) address: SocketAddr,
    pub(crate) content: &'a Content,
    pub(crate) authority: Option<&'a Authority>,
    pub(crate) issued: Option<&'a Issued>,
    pub(crate) client_certificates: bool,
    pub(crate) places: &'a [(String, String)],
}

/// Writes the configuration and what it refers to into a directory, and returns the configuration's name there.
pub(crate) fn write(directory: &Path, setup: &Setup<'_>) -> anyhow::Result<&'static str> {
    let (listens, tls) = match setup.authority {
        None => (String::new(), String::new()),
        Some(authority) => {
            match setup.issued {
                Some(issued) => issued.write(directory, "server")?,
                None => authority.server()?.write(directory, "server")?,
            };
            fs::write(directory.join("ca.pem"), authority.pem())?;
            let verify = if setup.client_certificates { "on" } else { "off" };
            // As `listen` parameter, because the directive `http2` is newer than Debian's nginx.
            let tls = format!(
                "ssl_certificate server.cert; ssl_certificate_key server.key; ssl_protocols TLSv1.2 TLSv1.3; \
                 ssl_client_certificate ca.pem; ssl_verify_client {verify};"
            );
            (" ssl http2".to_owned(), tls)
        }
    };
    let mut places: String = setup
        .places
        .iter()
        .map(|(path, host)| format!("location = {path} {{ proxy_pass http://{host}; }}\n    "))
        .collect();
    places.push_str(&match setup.content {
        Content::Server(host) => format!("location / {{ proxy_pass http://{host}; }}"),
        Content::Files(path) => {
            let path = path.to_str().context("the temporary directory's path is not UTF-8")?;
            format!("location / {{ root {}; }}", quoted(path)?)
        }
    });
    let text = format!(
        "\
# One process, which ends whole when it is killed, and does one thing at a time.
daemon off;
master_process off;
pid nginx.pid;
error_log {MESSAGES} info;
events {{ worker_connections 1024; }}
http {{
  log_format served escape=json '{FORMAT}';
  log_format own '{OWN_LINE}';
  map $http_authorization $authorized {{ default true; '' false; }}
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  default_type application/octet-stream;
  server_tokens off;
  merge_slashes off;
  server {{
    listen {address}{listens};
    {tls}
    access_log {LOG} served;
    client_max_body_size 0;
    proxy_http_version 1.1;
    proxy_request_buffering off;
    proxy_buffering off;
    proxy_set_header Connection '';
    proxy_set_header Host $http_host;
    proxy_set_header X-Forwarded-Proto $scheme;
    {places}
  }}
  server {{
    listen {own};
    access_log {LOG} own;
    location / {{ return 204; }}
  }}
}}
",
        address = setup.address,
        // Below the directory that a process was started in otherwise.
        own = quoted(&format!("unix:{}", directory.join(OWN_SOCKET).display()))?,
    );
    fs::write(directory.join("nginx.conf"), text)?;
    Ok("nginx.conf")
}

/// Returns a text as a parameter for nginx, which would end it at some characters and replace others.
fn quoted(text: &str) -> anyhow::Result<String> {
    ensure!(!text.contains(['"', '\\', '$']), "nginx cannot be told of {text:?}");
    Ok(format!("\"{text}\""))
}

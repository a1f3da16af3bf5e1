//! `refkit hosts`.

use clap::Args;
use refkit::ErrorCode;
use refkit_content::{ErrorKind, LayoutReference};
use refkit_registry::hosts::{Host, Listing};
use refkit_report::{Escaped, json};
use serde::Serialize;

use super::{Run, Running};
use crate::arguments::{Format, Registries};
use crate::directories::Directories;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::output::{Output, Stdout};
use crate::{image_source, registry};

/// Arguments of `refkit hosts`.
#[derive(Debug, Args)]
pub struct Hosts {
    /// An image, or a repository.
    #[arg(value_name = "REF")]
    reference: String,
    #[command(flatten)]
    registries: Registries,
    /// How the command prints its output.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

impl Run for Hosts {
    fn subject(&self) -> &str {
        &self.reference
    }

    fn format(&self) -> Format {
        self.format
    }

    fn run(&self) -> Running<'_> {
        Box::pin(self.list())
    }
}

#[derive(Serialize)]
struct Report<'a> {
    repository: String,
    hosts: Vec<HostReport<'a>>,
    /// The files that this user may not read.
    unread: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct HostReport<'a> {
    /// The URL of the repository at the host.
    url: String,
    credentials: &'a str,
    capabilities: Vec<&'static str>,
    names_registry: bool,
    any_certificate: bool,
    settings: Vec<SettingReport<'a>>,
}

#[derive(Serialize)]
struct SettingReport<'a> {
    name: &'a str,
    value: &'a str,
    file: String,
    table: &'a str,
}

impl Hosts {
    /// Lists the hosts. None of them gets a request.
    async fn list(&self) -> anyhow::Result<Output> {
        if let Ok(Some(_)) = LayoutReference::parse(&self.reference) {
            return Err(CommandError::usage("a layout has no hosts: name an image of a registry").into());
        }
        let reference = image_source::reference(&self.reference)?;
        let hosts =
            registry::hosts([reference.repository().registry()], &self.registries, &Directories::of_environment())?;
        let repository = reference.repository();
        let asked = hosts.of(repository)?;
        let unread: Vec<String> = hosts.unread().iter().map(|path| path.display().to_string()).collect();
        let note = |path: &String| Escaped(format!("note: {path} is not for this user to read")).to_string();
        let messages = unread.iter().map(note).collect();
        let lines = match self.format {
            Format::Text => {
                let text = Listing { repository, hosts: &asked }.to_string();
                text.lines().map(|line| Escaped(line).to_string()).collect()
            }
            Format::Json => {
                let reports = asked.iter().map(|host| report(host, repository.path())).collect::<Result<_, _>>();
                let hosts = reports.map_err(|error: ErrorKind| CommandError::failed(ErrorCode::Invalid, error))?;
                json::lines(&Report { repository: repository.to_string(), hosts, unread })
            }
        };
        Ok(Output { stdout: Stdout::Lines(lines), messages, exit: Exit::Resolved })
    }
}

fn report<'a>(host: &'a Host, path: &str) -> Result<HostReport<'a>, ErrorKind> {
    let can = host.capabilities;
    let capabilities = [(can.resolve, "resolve"), (can.pull, "pull"), (can.push, "push")];
    let settings = host.settings.iter().map(|setting| SettingReport {
        name: &setting.name,
        value: &setting.value,
        file: setting.file.display().to_string(),
        table: &setting.table,
    });
    Ok(HostReport {
        url: format!("{}{}", host.api, host.repository(path)?),
        credentials: &host.credentials,
        capabilities: capabilities.into_iter().filter(|(has, _)| *has).map(|(_, name)| name).collect(),
        names_registry: host.names_registry,
        any_certificate: host.tls.insecure,
        settings: settings.collect(),
    })
}

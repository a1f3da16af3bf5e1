//! `refkit hosts`.

use refkit::ErrorCode;
use refkit_content::{ErrorKind, LayoutReference};
use refkit_registry::hosts::{Host, Listing};
use refkit_report::Escaped;
use serde::Serialize;

use crate::answer::{Answer, Output};
use crate::arguments::{self, Format};
use crate::failure::{Exit, Failure};
use crate::finished::json;
use crate::places::Places;
use crate::{registry, target};

#[derive(Serialize)]
struct Report<'a> {
    repository: String,
    hosts: Vec<HostReport<'a>>,
    /// Files that this user may not read.
    unread: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct HostReport<'a> {
    /// The repository there.
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

/// Says which hosts would be asked. Nobody is.
///
/// # Errors
/// A usage error, or files of settings that cannot be used.
pub async fn run(arguments: &arguments::Hosts) -> Result<Answer, Failure> {
    if let Ok(Some(_)) = LayoutReference::parse(&arguments.reference) {
        return Err(Failure::usage("a layout has no hosts: name an image of a registry"));
    }
    let reference = target::reference(&arguments.reference)?;
    let hosts = registry::hosts(&reference, &arguments.registries, &Places::of_environment()).await?;
    let repository = reference.repository();
    let invalid = |error: &dyn std::fmt::Display| Failure::failed(ErrorCode::Invalid, error);
    let asked = hosts.of(repository).map_err(|error| invalid(&error))?;
    let unread: Vec<String> = hosts.unread().iter().map(|path| path.display().to_string()).collect();
    let lines = match arguments.format {
        Format::Text => {
            let text = Listing { repository, hosts: &asked }.to_string();
            text.lines().map(|line| Escaped(line).to_string()).collect()
        }
        Format::Json => {
            let reports = asked.iter().map(|host| report(host, repository.path())).collect::<Result<_, _>>();
            let report = Report {
                repository: repository.to_string(),
                hosts: reports.map_err(|problem: ErrorKind| invalid(&problem))?,
                unread: unread.clone(),
            };
            json(&report)
        }
    };
    let messages = unread.iter().map(|path| Escaped(format!("note: {path} is not for this user to read")).to_string());
    Ok(Answer { output: Output::Lines(lines), messages: messages.collect(), exit: Exit::Resolved })
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

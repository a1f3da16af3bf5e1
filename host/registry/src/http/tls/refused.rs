//! Errors for failed TLS handshakes.

use std::error::Error as StdError;
use std::io;
use std::time::{Duration, SystemTime};

use refkit_content::{Distrust, ErrorKind, Timestamp};
use rustls::pki_types::UnixTime;
use rustls::{CertificateError, Error, InvalidMessage};
use url::Url;

use crate::endpoint::host_of;
use crate::text::printable;

/// Returns whether the handshake failed because the server's certificate is that of an authority. webpki builds the
/// chains, so rustls passes on webpki's error.
pub(super) fn is_authority(error: &Error) -> bool {
    let Error::InvalidCertificate(CertificateError::Other(other)) = error else { return false };
    matches!(other.0.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity))
}

/// Returns the error for a failed connection to a URL's host, if its cause is a lasting error of TLS.
pub(crate) fn refused(cause: &(dyn StdError + 'static), url: &Url) -> Option<ErrorKind> {
    // Streams wrap the error and do not return it as their source.
    let mut cause = cause;
    while let Some(inner) = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        cause = inner;
    }
    let error = cause.downcast_ref::<Error>()?;
    match error {
        Error::InvalidCertificate(refused) => {
            let (reason, what) = match is_authority(error) {
                true => (Distrust::Issuer, "it is an authority's own, and not itself trusted".to_owned()),
                false => reason(refused),
            };
            let said = format!("the certificate of {} is refused: {}", host_of(url), printable(&what));
            Some(ErrorKind::Certificate { reason, said })
        }
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => Some(ErrorKind::Protocol { tls: false }),
        _ => None,
    }
}

fn reason(refused: &CertificateError) -> (Distrust, String) {
    match refused {
        CertificateError::UnknownIssuer => (Distrust::Issuer, "no trusted authority has signed it".to_owned()),
        CertificateError::BadSignature => {
            (Distrust::Issuer, "no trusted authority has signed it, only one of the same name".to_owned())
        }
        CertificateError::Expired => (Distrust::Time, "it has ended".to_owned()),
        CertificateError::ExpiredContext { not_after, .. } => {
            (Distrust::Time, format!("it ended on {}", at(not_after)))
        }
        CertificateError::NotValidYet => (Distrust::Time, "it has not begun".to_owned()),
        CertificateError::NotValidYetContext { not_before, .. } => {
            (Distrust::Time, format!("it begins on {}", at(not_before)))
        }
        CertificateError::NotValidForName => (Distrust::Name, "it is for another name".to_owned()),
        CertificateError::NotValidForNameContext { expected, presented } => {
            let names: Vec<&str> = presented.iter().map(|name| bare(name)).collect();
            let names = if names.is_empty() { "no name at all".to_owned() } else { names.join(", ") };
            (Distrust::Name, format!("it is for {names}, and not for {}", expected.to_str()))
        }
        other => (Distrust::Other, other.to_string()),
    }
}

fn at(time: &UnixTime) -> String {
    // A certificate has no years after 9999.
    let last = 253_402_300_799;
    let time = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(time.as_secs().min(last)));
    Timestamp(time.unwrap_or(SystemTime::UNIX_EPOCH)).to_string()
}

/// Returns the name in webpki's text for one: `DnsName("localhost")`.
fn bare(name: &str) -> &str {
    let inner = name.split_once('(').and_then(|(_, inner)| inner.strip_suffix(')'));
    inner.map_or(name, |inner| inner.trim_matches('"'))
}

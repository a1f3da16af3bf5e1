//! A certificate authority that one test trusts, and what it signs.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, date_time_ymd,
};

/// The names of this machine, which [`Authority::server`] signs for.
const LOCAL: [&str; 2] = ["127.0.0.1", "localhost"];

/// A certificate authority made for one run.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate and its key, in PEM.
pub struct Issued {
    /// The certificate.
    pub certificate: String,
    /// The key, as PKCS 8.
    pub key: String,
}

impl Issued {
    /// Makes a certificate for the names of this machine as the distribution project's documentation has it done with
    /// `openssl req -x509`: it is signed by itself, and is an authority's. It is good in the given years alone.
    ///
    /// # Errors
    /// Where no key can be made.
    pub fn alone(years: Range<i32>) -> anyhow::Result<Self> {
        Self::alone_named(LOCAL, years)
    }

    /// Makes the same for these names and addresses.
    ///
    /// # Errors
    /// Where a name is none, or no key can be made.
    pub fn alone_named<'a>(names: impl IntoIterator<Item = &'a str>, years: Range<i32>) -> anyhow::Result<Self> {
        let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
        let mut parameters = CertificateParams::new(names)?;
        parameters.distinguished_name.push(DnType::CommonName, "refkit tests, alone");
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.not_before = date_time_ymd(years.start, 1, 1);
        parameters.not_after = date_time_ymd(years.end, 1, 1);
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let certificate = parameters.self_signed(&key)?;
        Ok(Self { certificate: certificate.pem(), key: key.serialize_pem() })
    }

    /// Writes both into a directory, as `NAME.cert` and `NAME.key`, and returns where they are.
    ///
    /// # Errors
    /// Where they cannot be written.
    pub fn write(&self, directory: &Path, name: &str) -> io::Result<[PathBuf; 2]> {
        let [certificate, key] = ["cert", "key"].map(|end| directory.join(format!("{name}.{end}")));
        std::fs::write(&certificate, &self.certificate)?;
        std::fs::write(&key, &self.key)?;
        Ok([certificate, key])
    }
}

impl Authority {
    /// Makes an authority that nobody knows yet.
    ///
    /// # Errors
    /// Where no key can be made.
    pub fn new() -> anyhow::Result<Self> {
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name.push(DnType::CommonName, "refkit tests");
        parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        Ok(Self { issuer: CertifiedIssuer::self_signed(parameters, key)? })
    }

    /// Returns the authority's own certificate (PEM), which clients are to trust.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// Signs for a server that is called `127.0.0.1` or `localhost`.
    ///
    /// # Errors
    /// Where no key can be made.
    pub fn server(&self) -> anyhow::Result<Issued> {
        self.server_named(LOCAL)
    }

    /// Signs for a server with these names and addresses, and no others.
    ///
    /// # Errors
    /// Where a name is none, or no key can be made.
    pub fn server_named<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> anyhow::Result<Issued> {
        let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
        self.issue(CertificateParams::new(names)?, ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// Signs for a client of this name.
    ///
    /// # Errors
    /// Where no key can be made.
    pub fn client(&self, name: &str) -> anyhow::Result<Issued> {
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name.push(DnType::CommonName, name);
        self.issue(parameters, ExtendedKeyUsagePurpose::ClientAuth)
    }

    fn issue(&self, mut parameters: CertificateParams, purpose: ExtendedKeyUsagePurpose) -> anyhow::Result<Issued> {
        parameters.extended_key_usages = vec![purpose];
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let certificate = parameters.signed_by(&key, &self.issuer)?;
        Ok(Issued { certificate: certificate.pem(), key: key.serialize_pem() })
    }
}

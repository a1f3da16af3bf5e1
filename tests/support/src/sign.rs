//! Signed tokens: JSON Web Tokens with ES256, checked with a certificate that travels along (`x5c`).

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rcgen::{CertificateParams, DnType, KeyPair, PKCS_ECDSA_P256_SHA256};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde_json::{Value, json};

/// The issuer that the tokens name.
const ISSUER: &str = "refkit tests";

/// A key made for one run, with a certificate signed by itself.
pub(crate) struct Signer {
    key: EcdsaKeyPair,
    random: SystemRandom,
    header: String,
    certificate: String,
}

impl Signer {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let random = SystemRandom::new();
        let pair = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name.push(DnType::CommonName, ISSUER);
        let certificate = parameters.self_signed(&pair)?;
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pair.serialized_der(), &random)
            .map_err(|problem| anyhow::anyhow!("the key that was made is refused: {problem}"))?;
        let header = json!({ "typ": "JWT", "alg": "ES256", "x5c": [STANDARD.encode(certificate.der())] });
        Ok(Self { key, random, header: URL_SAFE_NO_PAD.encode(header.to_string()), certificate: certificate.pem() })
    }

    pub(crate) fn issuer(&self) -> &str {
        ISSUER
    }

    /// Returns the certificate in PEM, as `rootcertbundle` of a registry's configuration.
    pub(crate) fn certificate(&self) -> &str {
        &self.certificate
    }

    /// Returns the claims as a signed token.
    pub(crate) fn sign(&self, claims: &Value) -> anyhow::Result<String> {
        let signed = format!("{}.{}", self.header, URL_SAFE_NO_PAD.encode(claims.to_string()));
        let signature = self.key.sign(&self.random, signed.as_bytes()).ok().context("cannot sign a token")?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

//! TLS towards others: one provider of cryptography, the system's authorities and those that settings add.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// How clients connect that trust `roots`.
///
/// # Errors
/// When the provider of cryptography lacks what TLS needs, as text.
pub(crate) fn client(roots: rustls::RootCertStore) -> Result<rustls::ClientConfig, String> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|cause| format!("TLS cannot be set up: {cause}"))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// The system's certificate authorities.
pub(crate) fn native_roots() -> rustls::RootCertStore {
    let mut roots = rustls::RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    let (_, ignored) = roots.add_parsable_certificates(found.certs);
    if ignored > 0 || !found.errors.is_empty() {
        tracing::warn!(
            ignored,
            errors = found.errors.len(),
            "some of the system's certificate authorities are unreadable"
        );
    }
    roots
}

/// Adds the authorities in a PEM file.
///
/// # Errors
/// When the file cannot be read or holds none, as text.
pub(crate) fn add_authorities(roots: &mut rustls::RootCertStore, path: &Path) -> Result<(), String> {
    let unreadable =
        |cause: &dyn std::fmt::Display| format!("ca_file {} cannot be used: {cause}", path.display());
    let certificates = CertificateDer::pem_file_iter(path).map_err(|cause| unreadable(&cause))?;
    let mut added = 0_usize;
    for certificate in certificates {
        let certificate = certificate.map_err(|cause| unreadable(&cause))?;
        roots.add(certificate).map_err(|cause| unreadable(&cause))?;
        added += 1;
    }
    if added == 0 { Err(unreadable(&"it holds no PEM certificate")) } else { Ok(()) }
}

//! The certificate of the listeners: read again, and taken whole or not at all.

use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::json;
use signet_audit::Action;

use super::Instance;
use crate::data::DataDirectory;
use crate::tls::{Certificate, Tls};

/// Another certificate is shown.
const TAKEN: Action = Action::literal("certificate.take");

impl Instance {
    /// With a certificate to keep current.
    pub(crate) fn with_tls(mut self, tls: Option<Arc<Tls>>) -> Self {
        self.tls = tls;
        self
    }

    /// Reads the files of the certificate again.
    pub(super) async fn look_at_certificate(&self) -> Result<(), String> {
        let Some(tls) = &self.tls else {
            return Ok(());
        };
        let work = Arc::clone(tls);
        // The files may be on a slow disk, so not on a thread that answers requests.
        let looked = tokio::task::spawn_blocking(move || work.look()).await;
        match looked {
            Ok(Ok(Some(certificate))) => {
                self.tell_certificate(&certificate, "another certificate is in force");
                if let Some(address) = self.overrides.admin {
                    tell_admin(&self.data, address, Some(tls));
                }
                let fingerprint = certificate.fingerprint.to_string();
                let detail = json!({
                    "names": certificate.names,
                    "not_after": certificate.end(),
                });
                self.record(TAKEN, &fingerprint, detail).await;
                Ok(())
            }
            Ok(Err(refused)) => Err(format!("{}: {}", refused.message, refused.hint)),
            // It panics only if it was cancelled while shutting down; then there is nothing new.
            Ok(Ok(None)) | Err(_) => Ok(()),
        }
    }

    /// Tells the log which certificate is shown.
    pub(crate) fn tell_certificate(&self, certificate: &Certificate, message: &str) {
        let names = certificate.names.join(" ");
        tracing::info!(
            tls.fingerprint = %certificate.fingerprint,
            tls.not_after = certificate.end(),
            tls.names = names,
            "{message}"
        );
        if let Some(finding) = crate::health::certificate_age(certificate, self.now()) {
            tracing::warn!(
                code = finding.code,
                hint = finding.remedy,
                "{}",
                finding.cause
            );
        }
    }
}

/// Writes down, for the commands, where the admin listener listens and by which certificate it is known.
pub(crate) fn tell_admin(data: &DataDirectory, address: SocketAddr, tls: Option<&Tls>) {
    let tls = tls.filter(|tls| tls.is_admin());
    let pinned = tls.map(|tls| tls.certificate().fingerprint);
    if let Err(error) = data.tell_admin(address, pinned) {
        let error = &error as &dyn std::error::Error;
        tracing::warn!(
            code = "NO_ADMIN_ADDRESS",
            error,
            "commands do not find the admin listener"
        );
    }
}

//! What custody needs to be told.

use std::path::PathBuf;

use crate::keys::KeyServices;
use fiducia_ledger::CosignerKey;

/// Bounds on what may wait in memory for the store.
#[derive(Debug, Clone, Copy)]
pub struct CaptureLimits {
    /// Parts of exchanges that may wait for the writer; more are refused with [`crate::CaptureRefused::QueueFull`].
    pub queue_parts_max: usize,
    /// Bytes of content that may wait for the writer.
    pub queue_bytes_max: usize,
    /// Parts that one group commit takes at most.
    pub batch_parts_max: usize,
    /// Bytes of content that one group commit takes at most.
    pub batch_bytes_max: usize,
}

impl Default for CaptureLimits {
    fn default() -> Self {
        Self {
            queue_parts_max: 4_096,
            queue_bytes_max: 256 * 1024 * 1024,
            batch_parts_max: 512,
            batch_bytes_max: 16 * 1024 * 1024,
        }
    }
}

/// Where custody keeps its data and under which names.
#[derive(Debug, Clone)]
pub struct CustodySettings {
    /// The data directory. Created with mode 0700 when missing.
    pub data_directory: PathBuf,
    /// The file with the installation's key, or with the key that it had before it moved to a service. It must lie outside
    /// of `data_directory`. `None` when nothing is wrapped by a file.
    pub keyfile: Option<PathBuf>,
    /// The key management services.
    pub key_services: KeyServices,
    /// Origin prefix of the logs: an organisation's log is `<ledger_origin>/<organisation uuid>`.
    pub ledger_origin: String,
    /// Bounds of the capture queue.
    pub limits: CaptureLimits,
    /// What certificates of destruction say that only the operator knows.
    pub certificates: CertificateSettings,
    /// Who cosigns the logs; `None` where nobody is asked to.
    pub witnesses: Option<WitnessTerms>,
    /// Who may read what is others', and how much.
    pub access: AccessSettings,
}

/// Who cosigns the logs. Custody asks nobody: it reads what is kept of their cosignatures, for those who check.
#[derive(Debug, Clone)]
pub struct WitnessTerms {
    /// Their keys.
    pub keys: Vec<CosignerKey>,
    /// How many must have cosigned for a checkpoint to count as witnessed.
    pub quorum: usize,
    /// Where witnessed checkpoints are kept, one file for each log.
    pub directory: PathBuf,
}

/// Who may read what is others', and how much.
#[derive(Debug, Clone, Default)]
pub struct AccessSettings {
    /// Bounds on reading.
    pub limits: fiducia_policy::AccessLimits,
    /// The text of the installation's own access policies; those that come with the program when absent.
    pub policies: Option<String>,
    /// The policy's regions whose data staff read at this installation. Where an organisation's plan keeps its data elsewhere,
    /// staff and whoever works at the machine itself see and do nothing with it. Absent where nobody is kept out for that.
    pub regions: Option<Vec<String>>,
}

/// What certificates of destruction say that only the operator knows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CertificateSettings {
    /// Where the data is.
    pub region: Option<String>,
    /// Whom to ask about a certificate.
    pub contact: Option<String>,
    /// For how many days backups of the key store are kept; `None` when there are none that this installation knows of.
    pub backup_days: Option<u32>,
    /// Whether a mail tells of each certificate; `None` for no mail.
    pub mail: Option<MailSchedule>,
}

/// When a mail that could not be sent is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MailSchedule {
    /// The first wait, in seconds; it doubles up to six hours.
    pub first_retry_seconds: u32,
}

//! Reaching the data: in this process when nobody else has it, else through the server that does.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use fiducia_custody::{
    AdminCommand, AdminReply, Custody, ImportOutcome, OpenError, PendingImport, RetentionCommand,
    RetentionReply, WhenShort,
};
use fiducia_policy::OrganizationId;
use fiducia_store::DirectoryError;

use crate::arguments::DataOptions;
use crate::configuration::{self, Configuration, Extent};
use crate::edge::{SystemClock, SystemRandomness};
use crate::failure::Failure;
use crate::output::remark;
use crate::verifier_keys;

/// A way to give commands to custody. Which one it is makes no difference to a command's result.
pub(crate) struct Session {
    route: Route,
    data_directory: PathBuf,
}

enum Route {
    /// The data is open in this process; it is closed with the session when the session opened it.
    Here {
        custody: Custody,
        owned: bool,
    },
    Server(PathBuf),
}

impl Session {
    /// Opens the data that the configuration names.
    ///
    /// # Errors
    /// When the configuration is wrong, the data does not exist or cannot be opened, or whoever holds it does not
    /// answer.
    pub(crate) fn open(options: &DataOptions) -> Result<Self, Failure> {
        let configuration = load(&options.file.config, Extent::Data)?;
        if !configuration.data.directory.exists() {
            return Err(Failure::NoData(configuration.data.directory));
        }
        Self::of(&configuration)
    }

    /// Opens the data and makes the data directory when there is none yet.
    ///
    /// # Errors
    /// As [`Session::open`].
    pub(crate) fn open_or_create(options: &DataOptions) -> Result<Self, Failure> {
        Self::of(&load(&options.file.config, Extent::Data)?)
    }

    /// Opens the data of a configuration that was checked.
    ///
    /// # Errors
    /// As [`Session::open`].
    pub(crate) fn of(configuration: &Configuration) -> Result<Self, Failure> {
        match Custody::open(&configuration.custody(), Arc::new(SystemClock), Arc::new(SystemRandomness)) {
            Ok(custody) => {
                // No witness is asked by a command, so waiting would be in vain: where reading waits for them, it needs a server.
                if let Some(section) = &configuration.witnesses {
                    custody.witness_gate().require(match section.when_short() {
                        WhenShort::Wait(_) => WhenShort::Refuse,
                        other => other,
                    });
                }
                Ok(Self {
                    route: Route::Here { custody, owned: true },
                    data_directory: configuration.data.directory.clone(),
                })
            }
            Err(error @ OpenError::Directory(DirectoryError::InUse { .. })) => {
                Self::through_server(configuration, &error)
            }
            Err(error) => Err(Failure::Open(error.to_string())),
        }
    }

    /// A session with data that the caller has open and closes.
    pub(crate) fn borrowing(custody: &Custody, data_directory: &Path) -> Self {
        let route = Route::Here { custody: custody.clone(), owned: false };
        Self { route, data_directory: data_directory.to_owned() }
    }

    /// Whether a server holds the data.
    pub(crate) fn is_with_server(&self) -> bool {
        matches!(self.route, Route::Server(_))
    }

    /// Keeps the logs' verifier keys in a file, where `ledger` commands find them without opening the data. Failing
    /// to is only remarked upon: `--key` works without the file.
    pub(crate) fn keep_verifier_keys(&self) {
        let kept = self.send(AdminCommand::ListOrganizations).and_then(|reply| match reply {
            AdminReply::Organizations(rows) => {
                let keys: Vec<String> = rows.into_iter().flat_map(|row| row.ledger_verifier_keys).collect();
                verifier_keys::write(&self.data_directory, &keys)
            }
            _ => Err(Failure::UnexpectedReply("list-organizations")),
        });
        if let Err(error) = kept {
            remark(format_args!("note: {error}; `fiducia ledger` will need --key"));
        }
    }

    /// Someone holds the lock. A server answers on its socket; anything else does not.
    fn through_server(configuration: &Configuration, held: &OpenError) -> Result<Self, Failure> {
        let socket = configuration.admin_socket();
        match std::os::unix::net::UnixStream::connect(&socket) {
            Ok(_) => Ok(Self {
                route: Route::Server(socket),
                data_directory: configuration.data.directory.clone(),
            }),
            Err(cause) => {
                Err(Failure::HeldAndSilent { holder: held.to_string(), socket, cause: cause.to_string() })
            }
        }
    }

    /// Hands lines of an import over. In this process they are queued, so that several chunks can be under way in
    /// their order; a server takes them one after the other.
    ///
    /// # Errors
    /// When custody refuses them, or a server could not store them.
    pub(crate) fn import_lines(
        &self,
        job: [u8; 16],
        first_line: u64,
        lines: Vec<String>,
    ) -> Result<PendingChunk, Failure> {
        match &self.route {
            Route::Here { custody, .. } => {
                Ok(PendingChunk::Queued(custody.import_lines(job, first_line, &lines)?))
            }
            Route::Server(_) => match self.send(AdminCommand::ImportLines { job, first_line, lines })? {
                AdminReply::Imported(outcome) => Ok(PendingChunk::Durable(outcome)),
                _ => Err(Failure::UnexpectedReply("import-lines")),
            },
        }
    }

    /// Carries a command out.
    ///
    /// # Errors
    /// When custody refuses it or fails, or the server is lost on the way.
    pub(crate) fn send(&self, command: AdminCommand) -> Result<AdminReply, Failure> {
        match &self.route {
            Route::Here { custody, .. } => custody.administer(command).map_err(Failure::Administration),
            Route::Server(socket) => {
                fiducia_server::admin::client::send(socket, &command).map_err(|error| match error {
                    fiducia_server::admin::client::AdminClientError::Refused(refused) => {
                        Failure::Administration(refused)
                    }
                    other => Failure::Unanswered { socket: socket.clone(), cause: other.to_string() },
                })
            }
        }
    }

    /// Carries a command on retention out.
    ///
    /// # Errors
    /// As [`Session::send`].
    pub(crate) fn govern(&self, command: RetentionCommand) -> Result<RetentionReply, Failure> {
        match self.send(AdminCommand::Govern(command))? {
            AdminReply::Governed(reply) => Ok(reply),
            _ => Err(Failure::UnexpectedReply("govern")),
        }
    }

    /// The organisation with this name or id.
    ///
    /// # Errors
    /// When there is none; the text lists those there are.
    pub(crate) fn organization(&self, name_or_id: &str) -> Result<OrganizationId, Failure> {
        if let Ok(id) = name_or_id.parse() {
            return Ok(id);
        }
        let AdminReply::Organizations(rows) = self.send(AdminCommand::ListOrganizations)? else {
            return Err(Failure::UnexpectedReply("list-organizations"));
        };
        if let Some(row) = rows.iter().find(|row| row.name == name_or_id) {
            return Ok(row.id);
        }
        let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
        let known = if names.is_empty() {
            "there is none yet; create one with `fiducia organizations create NAME`".to_owned()
        } else {
            format!("there are {}", names.join(", "))
        };
        Err(Failure::Argument(format!("no organisation is named `{name_or_id}`; {known}")))
    }

    /// As [`Session::organization`], for an argument that may be absent.
    pub(crate) fn organization_if(&self, given: Option<&str>) -> Result<Option<OrganizationId>, Failure> {
        given.map(|given| self.organization(given)).transpose()
    }

    /// Waits until everything is on disk, when this session opened the data.
    pub(crate) fn close(self) {
        drop(self);
    }
}

impl Drop for Session {
    /// Also after an error: what was acknowledged should be published before the process ends.
    fn drop(&mut self) {
        if let Route::Here { custody, owned: true } = &self.route {
            custody.close();
        }
    }
}

/// A chunk of an import on its way to the disk.
pub(crate) enum PendingChunk {
    /// Queued in this process.
    Queued(PendingImport),
    /// Stored by the server already.
    Durable(ImportOutcome),
}

impl PendingChunk {
    /// Waits until the chunk is durable.
    ///
    /// # Errors
    /// When it could not be stored; the same lines can be sent again.
    pub(crate) fn wait(self) -> Result<ImportOutcome, Failure> {
        match self {
            Self::Queued(pending) => Ok(pending.wait()?),
            Self::Durable(outcome) => Ok(outcome),
        }
    }
}

/// Reads and checks a configuration.
///
/// # Errors
/// With everything that is wrong with it.
pub(crate) fn load(path: &Path, extent: Extent) -> Result<Configuration, Failure> {
    let configuration = configuration::load(path)?;
    configuration::require(&configuration, extent, path)?;
    Ok(configuration)
}

//! The file of records beside the vault. What pins its end, and its key, lie in the vault.

use std::{
    fs::{self, File, OpenOptions},
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use agentsecrets_core::{
    Error, ErrorCode, Result,
    call_audit::{Call, CallPin, CallRecord},
    client::entropy,
    crypto::Entropy,
    encoding::{WorkspaceId, encode, parse, to_hex},
    secret::SecretBytes,
    vault::Vault,
};

/// How long another broker may take for one record.
const WAIT: Duration = Duration::from_secs(10);

/// Where a vault's records of calls lie. Several brokers of one vault may append to it.
pub struct CallLog {
    key: String,
    folder: PathBuf,
    /// Of one process, one appends at a time.
    turn: Mutex<()>,
}

impl CallLog {
    /// The records of a workspace, of the vault whose folder is `home`.
    pub fn new(home: &Path, workspace: WorkspaceId) -> Self {
        let key = format!("calls/{workspace}");
        Self { key, folder: home.join("calls"), turn: Mutex::new(()) }
    }

    /// Appends a record, durably.
    ///
    /// # Errors
    /// `call_record_broken` where somebody cut or changed the file; `vault_io` and the vault's.
    pub fn append(&self, vault: &dyn Vault, call: Call) -> Result<()> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let _lock = vault.lock(WAIT)?;
        let mut pin = self.pin(vault)?;
        let mut file = self.open(&pin)?;
        if file.metadata().map_err(io)?.len() != pin.length {
            self.mend(&mut file, &mut pin)?;
        }
        let frame = pin.append(call, Entropy::new(entropy()?).bytes());
        file.seek(SeekFrom::End(0)).map_err(io)?;
        file.write_all(&frame).and_then(|()| file.sync_data()).map_err(io)?;
        self.keep(vault, &pin)
    }

    /// All records, after the chain was verified, and the pin.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    pub fn read(&self, vault: &dyn Vault) -> Result<(Vec<CallRecord>, CallPin)> {
        let mut pin = self.pin(vault)?;
        let mut bytes = Vec::new();
        match File::open(self.path(&pin)) {
            Ok(mut file) => drop(file.read_to_end(&mut bytes).map_err(io)?),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(io(error)),
        }
        let (records, _) = pin.read(&bytes)?;
        Ok((records, pin))
    }

    /// Where the records lie.
    fn path(&self, pin: &CallPin) -> PathBuf {
        self.folder.join(format!("{}.calls", to_hex(&pin.id)))
    }

    /// After a crash: takes in what was appended last, drops what was appended in part.
    fn mend(&self, file: &mut File, pin: &mut CallPin) -> Result<()> {
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(0)).map_err(io)?;
        file.read_to_end(&mut bytes).map_err(io)?;
        let (_, rest) = pin.read(&bytes)?;
        file.set_len((bytes.len() - rest) as u64).map_err(io)
    }

    fn pin(&self, vault: &dyn Vault) -> Result<CallPin> {
        if let Some(bytes) = vault.load(&self.key)? {
            return parse(bytes.expose(), ErrorCode::VaultDamaged, "pin of calls");
        }
        let mut entropy = Entropy::new(entropy()?);
        let pin = CallPin::new(entropy.bytes(), entropy.key());
        self.keep(vault, &pin).map(|()| pin)
    }

    fn keep(&self, vault: &dyn Vault, pin: &CallPin) -> Result<()> {
        vault.store(&self.key, &SecretBytes::new(encode(pin)))
    }

    fn open(&self, pin: &CallPin) -> Result<File> {
        fs::create_dir_all(&self.folder).map_err(io)?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(self.path(pin)).map_err(io)
    }
}

fn io(error: std::io::Error) -> Error {
    let code = match error.kind() {
        std::io::ErrorKind::StorageFull => ErrorCode::VaultFull,
        _ => ErrorCode::VaultIo,
    };
    Error::new(code, format!("the record of calls cannot be read or written: {}", error.kind()))
}

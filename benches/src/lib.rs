//! What the benchmarks measure on: identities and logs of a chosen size, the same bytes every time.

use agentsecrets_core::{
    Error, Result,
    crypto::Entropy,
    encoding::{BatchId, DeliveriesRoot, EnvironmentId, SecretId, WorkspaceId},
    identity::{Identity, Kind},
    log::{
        Body, Entry, SignedEntry, State,
        entry::{Action, Create, Environment, Genesis, Item, Operation, Push},
    },
    name::SecretName,
    parcel::ParcelItem,
    policy::Policy,
    secret::{Key, SecretBytes},
    snapshot::Snapshot,
    workspace_key::{SealedLabel, Subject, WorkspaceKey},
};

/// Texts for redaction.
pub mod texts;

/// The one environment.
pub const ENVIRONMENT: EnvironmentId = EnvironmentId([1; 16]);
/// Entries of a push that creates stay below 1 MiB with so many secrets.
const BATCH: usize = 2_500;

/// The identity of a seed of one byte.
pub fn identity(byte: u8) -> Identity {
    Identity::from_seed(Key::new([byte; 32]), Kind::Human)
}

/// The name of a numbered secret.
///
/// # Errors
/// None: the text is a name.
pub fn name(number: usize) -> Result<SecretName> {
    SecretName::parse(&format!("SECRET_{number}"))
}

/// A log of one member, with its state.
pub struct Log {
    author: Identity,
    key: WorkspaceKey,
    entropy: Entropy,
    /// Entries, Genesis first.
    pub entries: Vec<SignedEntry>,
    /// What they fold to.
    pub state: State,
}

impl Log {
    /// Genesis and an environment.
    ///
    /// # Errors
    /// None: the entries are right.
    pub fn begin() -> Result<Self> {
        let (author, mut entropy) = (identity(1), Entropy::new([2; 32]));
        let key = WorkspaceKey::generate(&mut entropy);
        let mut label = |subject, text: &str| {
            key.seal_label(WorkspaceId::ZERO, subject, text.as_bytes(), &mut entropy)
        };
        let genesis = Genesis {
            founder: author.recipient().clone(),
            person: agentsecrets_core::encoding::PersonId([1; 16]),
            policy: Policy::default(),
            key_commitment: key.commitments().first().copied().ok_or_else(internal)?,
            name: label(Subject::Workspace, "acme"),
            label: label(Subject::Member(author.id()), "laptop"),
        };
        let signed = Entry::genesis(0, author.id(), genesis).sign(&author)?;
        let state = State::genesis(&signed)?;
        let mut log = Self { author, key, entropy, entries: vec![signed], state };
        let label = log.label(Subject::Environment(ENVIRONMENT), "development");
        let body = Environment { id: ENVIRONMENT, action: Action::Create, label };
        log.add(Body::Environment(body))?;
        Ok(log)
    }

    /// A log of `length` entries, nearly all of them pushes of one secret: a tenth create one.
    ///
    /// # Errors
    /// None: the entries are right.
    pub fn of_length(length: usize) -> Result<Self> {
        let mut log = Self::begin()?;
        let secrets = (length / 10).max(1);
        for number in 0..length.saturating_sub(2) {
            let version = 1 + (number / secrets) as u64;
            let item = log.listed(&parcel_item(number % secrets, version)?);
            log.push(vec![item])?;
        }
        Ok(log)
    }

    /// A log that holds `count` secrets of one version, and a snapshot with their values.
    ///
    /// # Errors
    /// None: the entries are right.
    pub fn with_secrets(count: usize) -> Result<(Self, Snapshot)> {
        let mut log = Self::begin()?;
        let mut snapshot = Snapshot::empty(log.state.workspace(), ENVIRONMENT);
        let numbers: Vec<usize> = (0..count).collect();
        for numbers in numbers.chunks(BATCH) {
            let mut items = Vec::new();
            for number in numbers {
                let item = parcel_item(*number, 1)?;
                items.push(log.listed(&item));
                let commitment = item.commitment(log.state.workspace(), ENVIRONMENT);
                snapshot.hold(item, log.author.id(), 0, commitment);
            }
            log.push(items)?;
        }
        snapshot.head = Some(log.state.head());
        Ok((log, snapshot))
    }

    /// Pushes new versions of the first `count` secrets of a log that holds them in their first.
    ///
    /// # Errors
    /// None: the entries are right.
    pub fn push_again(&mut self, count: usize) -> Result<()> {
        let numbers: Vec<usize> = (0..count).collect();
        for numbers in numbers.chunks(BATCH) {
            let items: Result<Vec<Item>> =
                numbers.iter().map(|number| Ok(self.listed(&parcel_item(*number, 2)?))).collect();
            self.push(items?)?;
        }
        Ok(())
    }

    /// Signs and applies.
    ///
    /// # Errors
    /// What the fold refuses.
    pub fn add(&mut self, body: Body) -> Result<()> {
        let (workspace, head) = (self.state.workspace(), self.state.head());
        let entry = Entry::after(workspace, head, head.seq, self.author.id(), body);
        let signed = entry.sign(&self.author)?;
        self.state.apply(&signed)?;
        self.entries.push(signed);
        Ok(())
    }

    fn push(&mut self, items: Vec<Item>) -> Result<()> {
        let (batch, root) = (BatchId([3; 16]), DeliveriesRoot([4; 32]));
        let strays = Vec::new();
        self.add(Body::Push(Push { batch, environment: ENVIRONMENT, items, strays, root }))
    }

    fn listed(&mut self, item: &ParcelItem) -> Item {
        let create = (item.version == 1).then(|| Create {
            name_commitment: item.name_commitment(),
            name: self.label(Subject::Secret(ENVIRONMENT, item.secret), item.name.as_str()),
        });
        Item {
            secret: item.secret,
            version: item.version,
            operation: Operation::Put(item.commitment(self.state.workspace(), ENVIRONMENT)),
            create,
            policy: None,
            differs_from: Vec::new(),
        }
    }

    fn label(&mut self, subject: Subject, text: &str) -> SealedLabel {
        self.key.seal_label(self.state.workspace(), subject, text.as_bytes(), &mut self.entropy)
    }
}

fn internal() -> Error {
    Error::new(agentsecrets_core::ErrorCode::Internal, "a fresh workspace key has a generation")
}

fn parcel_item(number: usize, version: u64) -> Result<ParcelItem> {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&(number as u64).to_be_bytes());
    Ok(ParcelItem {
        secret: SecretId(id),
        version,
        name: name(number)?,
        name_salt: [5; 32],
        policy: Vec::new(),
        policy_salt: [6; 32],
        salt: [7; 32],
        value: SecretBytes::new(vec![b'v'; 64]),
    })
}

//! Devices and the logs that they write. What is sealed is opaque to a relay, so bytes do.

use std::collections::BTreeMap;

use agentsecrets_core::{
    Result,
    crypto::{SigningKey, derive_key, label},
    encoding::{
        BatchId, Commitment, DeliveriesRoot, EnvironmentId, MemberId, PersonId, SealedHash,
        SecretId, encode,
    },
    identity::{Identity, Kind},
    log::{
        Body, Entry, Role, Scope, SignedEntry, State, deliveries,
        entry::{Action, Admit, Create, Environment, Genesis, Item, Operation, Push},
        membership::How,
    },
    policy::Policy,
    secret::Key,
    wire::{Bytes, Commit, Delivery},
    workspace_key::SealedLabel,
};

/// The environment that everybody pushes to.
pub const ENVIRONMENT: EnvironmentId = EnvironmentId([7; 16]);

/// Who signs: an identity, and its key for requests.
pub struct Device {
    identity: Identity,
    request_seed: Key,
    key: SigningKey,
}

impl Device {
    /// The device of a number; a run has numbers of its own, so that runs do not meet.
    pub fn new(run: u64, number: u64) -> Self {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&run.to_le_bytes());
        seed[8..16].copy_from_slice(&number.to_le_bytes());
        let seed = Key::new(seed);
        let request_seed = derive_key(label::SIGNING_KEY, seed.expose());
        let key = SigningKey::from_seed(&request_seed);
        Self { identity: Identity::from_seed(seed, Kind::Human), request_seed, key }
    }

    /// What its key for requests is made of, for tools that sign by themselves.
    pub fn request_seed(&self) -> &Key {
        &self.request_seed
    }

    /// Its public half in canonical bytes.
    pub fn recipient(&self) -> Vec<u8> {
        encode(self.identity.recipient())
    }

    /// Signs requests.
    pub fn key(&self) -> &SigningKey {
        &self.key
    }

    /// Its id as a member.
    pub fn id(&self) -> MemberId {
        self.identity.id()
    }

    fn sign(&self, state: &State, body: Body) -> Result<SignedEntry> {
        Entry::after(state.workspace(), state.head(), 2, self.id(), body).sign(&self.identity)
    }
}

/// Entries that go together, and the sealed bytes that they deliver.
#[derive(Default)]
pub struct Batch {
    /// In order.
    pub entries: Vec<SignedEntry>,
    deliveries: Vec<Delivery>,
}

impl Batch {
    fn add(&mut self, entry: SignedEntry, deliveries: impl IntoIterator<Item = Delivery>) {
        let place = self.entries.len() as u32;
        self.deliveries.extend(deliveries.into_iter().map(|d| Delivery { entry: place, ..d }));
        self.entries.push(entry);
    }

    /// Entries that follow.
    pub fn append(&mut self, other: Self) {
        let place = self.entries.len() as u32;
        let shifted = |d: Delivery| Delivery { entry: d.entry + place, ..d };
        self.deliveries.extend(other.deliveries.into_iter().map(shifted));
        self.entries.extend(other.entries);
    }

    /// The body of the commit.
    ///
    /// # Errors
    /// None that anybody has seen: everything in it has a form in JSON.
    pub fn body(self, state: &State) -> serde_json::Result<Vec<u8>> {
        let entries = self.entries.iter().map(|entry| Bytes(entry.bytes().to_vec())).collect();
        let Self { deliveries, .. } = self;
        let (workspace, absent) = (state.workspace(), Vec::new());
        serde_json::to_vec(&Commit { workspace, entries, deliveries, absent })
    }
}

/// A new workspace with an environment and members beside the founder; the state after it.
///
/// # Errors
/// An entry that the fold refuses.
pub fn found(founder: &Device, members: &[Device]) -> Result<(State, Batch)> {
    let genesis = Genesis {
        founder: founder.identity.recipient().clone(),
        person: PersonId([1; 16]),
        policy: Policy::default(),
        key_commitment: Commitment([1; 32]),
        name: label_bytes(),
        label: label_bytes(),
    };
    let genesis = Entry::genesis(1, founder.id(), genesis).sign(&founder.identity)?;
    let (mut state, mut batch) = (State::genesis(&genesis)?, Batch::default());
    batch.add(genesis, []);
    let environment = Environment { id: ENVIRONMENT, action: Action::Create, label: label_bytes() };
    let entry = founder.sign(&state, Body::Environment(environment))?;
    state.apply(&entry)?;
    batch.add(entry, []);
    for (number, member) in members.iter().enumerate() {
        let grant = sealed(member.id(), number as u64, 200);
        let body = Body::Admit(Box::new(admit(member, number as u8 + 2, hash_of(&grant))));
        let entry = founder.sign(&state, body)?;
        state.apply(&entry)?;
        batch.add(entry, [grant]);
    }
    Ok((state, batch))
}

fn admit(member: &Device, person: u8, grant: Option<SealedHash>) -> Admit {
    Admit {
        recipient: member.identity.recipient().clone(),
        person: PersonId([person; 16]),
        role: Role::Writer,
        scope: Scope::All,
        how: How::OutOfBand,
        proof: None,
        person_proof: None,
        grant,
        label: label_bytes(),
    }
}

/// The next version of a secret, `size` sealed bytes for every member. `batch` makes it unlike any
/// other.
///
/// # Errors
/// An entry that is too long.
pub fn push(state: &State, by: &Device, secret: u64, batch: u128, size: usize) -> Result<Batch> {
    let secrets = [SecretId(u128::from(secret).to_le_bytes())];
    let known = state.secrets().get(&secrets[0]);
    let item = Item {
        secret: secrets[0],
        version: known.map_or(1, |secret| secret.versions.len() as u64 + 1),
        operation: Operation::Put(Commitment([3; 32])),
        create: known
            .is_none()
            .then(|| Create { name_commitment: Commitment([4; 32]), name: label_bytes() }),
        policy: None,
        differs_from: Vec::new(),
    };
    let recipients = state.recipients_before(state.head().seq + 1, &ENVIRONMENT, &secrets);
    let salt = (batch ^ (batch >> 64)) as u64;
    let delivered: Vec<_> = recipients.map(|id| sealed(*id, salt, size)).collect();
    let push = Push {
        batch: BatchId(batch.to_le_bytes()),
        environment: ENVIRONMENT,
        items: vec![item],
        strays: Vec::new(),
        root: root(&delivered),
    };
    let mut batch = Batch::default();
    batch.add(by.sign(state, Body::Push(push))?, delivered);
    Ok(batch)
}

fn label_bytes() -> SealedLabel {
    SealedLabel { generation: 0, ciphertext: vec![1; 104] }
}

/// Sealed bytes, others for every recipient and salt.
fn sealed(recipient: MemberId, salt: u64, size: usize) -> Delivery {
    let head = [&salt.to_le_bytes()[..], &recipient.0].concat();
    let bytes = head.iter().copied().cycle().take(size.max(head.len())).collect();
    Delivery { entry: 0, part: 0, recipient, ciphertext: Some(Bytes(bytes)), hash: None }
}

fn hash_of(delivery: &Delivery) -> Option<SealedHash> {
    delivery.ciphertext.as_ref().map(|bytes| deliveries::sealed_hash(&bytes.0))
}

fn root(delivered: &[Delivery]) -> DeliveriesRoot {
    let mut parts = BTreeMap::<MemberId, Vec<_>>::new();
    delivered.iter().for_each(|d| parts.entry(d.recipient).or_default().extend(hash_of(d)));
    let leaves: Vec<_> = parts.iter().map(|(id, parts)| deliveries::leaf(id, parts)).collect();
    deliveries::root(&leaves)
}

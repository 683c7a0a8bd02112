//! Identities and logs as clients make them. What is sealed is opaque to a relay, so bytes do.

use std::{collections::BTreeMap, net::SocketAddr};

use agentsecrets_core::{
    crypto::{SigningKey, derive_key, label},
    encoding::{
        BatchId, Commitment, DeliveriesRoot, EnvironmentId, MemberId, PersonId, SecretId,
        WorkspaceId,
    },
    identity::{Identity, Kind},
    log::{
        Body, Entry, Role, Scope, SignedEntry, State, deliveries,
        entry::{self, Action, Admit, Create, Genesis, Item, Operation, Push},
        membership::How,
    },
    message::Method,
    policy::Policy,
    secret::Key,
    wire::{Bytes, Commit, Delivery},
    workspace_key::SealedLabel,
};

use super::client::{Answer, Request};

pub const ENVIRONMENT: EnvironmentId = EnvironmentId([7; 16]);

pub struct Device {
    pub identity: Identity,
    pub key: SigningKey,
}

impl Device {
    pub fn new(byte: u8) -> Self {
        let seed = Key::new([byte; 32]);
        let key = SigningKey::from_seed(&derive_key(label::SIGNING_KEY, seed.expose()));
        Self { identity: Identity::from_seed(seed, Kind::Human), key }
    }

    pub fn id(&self) -> MemberId {
        self.identity.id()
    }

    pub fn send(&self, relay: SocketAddr, method: Method, target: &str, body: Vec<u8>) -> Answer {
        Request::new(relay, method, target, body).signed(&self.key).send(relay)
    }

    pub fn get(&self, relay: SocketAddr, target: &str) -> Answer {
        self.send(relay, Method::Get, target, Vec::new())
    }

    pub fn put(&self, relay: SocketAddr, target: &str, body: Vec<u8>) -> Answer {
        self.send(relay, Method::Put, target, body)
    }

    pub fn commit(&self, relay: SocketAddr, commit: &Commit) -> Answer {
        let body = serde_json::to_vec(commit).unwrap();
        self.send(relay, Method::Post, "/v1/workspaces/sync", body)
    }
}

/// A workspace as its founder sees it.
pub struct Team {
    pub founder: Device,
    pub state: State,
    pub log: Vec<SignedEntry>,
    secrets: u64,
}

fn sealed_label() -> SealedLabel {
    SealedLabel { generation: 0, ciphertext: vec![1; 104] }
}

impl Team {
    /// Genesis and one environment, on no relay yet.
    pub fn new(founder: Device) -> Self {
        let genesis = Genesis {
            founder: founder.identity.recipient().clone(),
            person: PersonId([1; 16]),
            policy: Policy::default(),
            key_commitment: Commitment([1; 32]),
            name: sealed_label(),
            label: sealed_label(),
        };
        let genesis = Entry::genesis(1, founder.id(), genesis).sign(&founder.identity).unwrap();
        let state = State::genesis(&genesis).unwrap();
        let mut team = Self { founder, state, log: vec![genesis], secrets: 0 };
        let environment =
            entry::Environment { id: ENVIRONMENT, action: Action::Create, label: sealed_label() };
        let environment = team.draft(Body::Environment(environment));
        team.take(&environment);
        team
    }

    /// The same, committed to a relay.
    pub fn published(founder: Device, relay: SocketAddr) -> Self {
        let team = Self::new(founder);
        let answer = team.founder.commit(relay, &team.commit(&team.log, Vec::new()));
        assert_eq!(answer.status, 201, "{answer:?}");
        team
    }

    pub fn id(&self) -> WorkspaceId {
        self.state.workspace()
    }

    pub fn path(&self, rest: &str) -> String {
        format!("/v1/workspaces/{}/{rest}", self.id())
    }

    pub fn head(&self) -> serde_json::Value {
        let head = self.state.head();
        serde_json::json!({ "seq": head.seq, "hash": head.hash.to_string() })
    }

    /// The founder's next entry, not taken in yet.
    pub fn draft(&self, body: Body) -> SignedEntry {
        self.draft_by(&self.founder, body)
    }

    pub fn draft_by(&self, author: &Device, body: Body) -> SignedEntry {
        let entry = Entry::after(self.id(), self.state.head(), 2, author.id(), body);
        entry.sign(&author.identity).unwrap()
    }

    pub fn take(&mut self, entry: &SignedEntry) {
        self.state.apply(entry).unwrap();
        self.log.push(entry.clone());
    }

    pub fn commit(&self, entries: &[SignedEntry], deliveries: Vec<Delivery>) -> Commit {
        let entries = entries.iter().map(|entry| Bytes(entry.bytes().to_vec())).collect();
        Commit { workspace: self.id(), entries, deliveries, absent: Vec::new() }
    }

    /// A push of one new secret, with `parts` sealed parts of `size` bytes for everybody.
    pub fn push(&mut self, parts: u32, size: usize) -> (SignedEntry, Vec<Delivery>) {
        self.secrets += 1;
        let secrets = [SecretId(u128::from(self.secrets).to_le_bytes())];
        let seq = self.state.head().seq + 1;
        let recipients = self.state.recipients_before(seq, &ENVIRONMENT, &secrets);
        let deliveries: Vec<_> = recipients
            .flat_map(|id| (0..parts).map(|part| delivery(*id, seq, part, size)))
            .collect();
        let item = Item {
            secret: secrets[0],
            version: 1,
            operation: Operation::Put(Commitment([3; 32])),
            create: Some(Create { name_commitment: Commitment([4; 32]), name: sealed_label() }),
            policy: None,
            differs_from: Vec::new(),
        };
        let push = Push {
            batch: BatchId([5; 16]),
            environment: ENVIRONMENT,
            items: vec![item],
            strays: Vec::new(),
            root: root(&deliveries),
        };
        (self.draft(Body::Push(push)), deliveries)
    }

    /// The next push is the same as the last one again.
    pub fn undo_push(&mut self) {
        self.secrets -= 1;
    }

    /// An out-of-band admission with its grant.
    pub fn admit(&self, device: &Device, person: u8, role: Role) -> (SignedEntry, Delivery) {
        let mut grant = delivery(device.id(), 0, 0, 200);
        grant.entry = 0;
        let admit = Admit {
            recipient: device.identity.recipient().clone(),
            person: PersonId([person; 16]),
            role,
            scope: Scope::All,
            how: How::OutOfBand,
            proof: None,
            person_proof: None,
            grant: Some(hash_of(&grant)),
            label: sealed_label(),
        };
        (self.draft(Body::Admit(Box::new(admit))), grant)
    }

    /// Admits and commits.
    pub fn join(&mut self, relay: SocketAddr, device: &Device, person: u8, role: Role) {
        let (entry, grant) = self.admit(device, person, role);
        let answer =
            self.founder.commit(relay, &self.commit(std::slice::from_ref(&entry), vec![grant]));
        assert_eq!(answer.status, 201, "{answer:?}");
        self.take(&entry);
    }

    /// Pushes and commits; `None` where the relay is gone.
    pub fn try_push_to(&mut self, relay: SocketAddr, size: usize) -> Option<Answer> {
        let (entry, deliveries) = self.push(1, size);
        let commit = self.commit(std::slice::from_ref(&entry), deliveries);
        let body = serde_json::to_vec(&commit).unwrap();
        let request = Request::new(relay, Method::Post, "/v1/workspaces/sync", body);
        let answer = request.signed(&self.founder.key).try_send(relay).ok()?;
        if answer.status == 201 {
            self.take(&entry);
        }
        Some(answer)
    }

    /// Pushes and commits.
    pub fn push_to(&mut self, relay: SocketAddr, parts: u32, size: usize) -> Answer {
        let (entry, deliveries) = self.push(parts, size);
        let commit = self.commit(std::slice::from_ref(&entry), deliveries);
        let answer = self.founder.commit(relay, &commit);
        if answer.status == 201 {
            self.take(&entry);
        }
        answer
    }
}

pub fn delivery(recipient: MemberId, seq: u64, part: u32, size: usize) -> Delivery {
    let mut bytes = vec![part as u8; size];
    let head = [&seq.to_le_bytes()[..], &recipient.0].concat();
    let length = head.len().min(size);
    bytes[..length].copy_from_slice(&head[..length]);
    let ciphertext = Some(Bytes(bytes));
    Delivery { entry: 0, part, recipient, ciphertext, hash: None }
}

pub fn hash_of(delivery: &Delivery) -> agentsecrets_core::encoding::SealedHash {
    let inline = delivery.ciphertext.as_ref().map(|bytes| deliveries::sealed_hash(&bytes.0));
    delivery.hash.or(inline).unwrap()
}

pub fn root(all: &[Delivery]) -> DeliveriesRoot {
    let mut parts = BTreeMap::<MemberId, Vec<_>>::new();
    all.iter().for_each(|d| parts.entry(d.recipient).or_default().push(hash_of(d)));
    let leaves: Vec<_> = parts.iter().map(|(id, parts)| deliveries::leaf(id, parts)).collect();
    deliveries::root(&leaves)
}

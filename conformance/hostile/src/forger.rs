//! A member who works with the relay: signs what the rules allow, and puts into the boxes, or into
//! the log, what no honest client would.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU8, Ordering::SeqCst},
};

use agentsecrets_core::{
    ErrorCode,
    crypto::Entropy,
    encoding::{
        BatchId, DeliveriesRoot, EnvironmentId, MemberId, PersonId, SealedHash, SecretId, parse,
    },
    identity::{Identity, Recipient},
    log::{
        Body, Entry, Role, Scope, SignedEntry, State,
        deliveries::{leaf, root, sealed_hash},
        entry::{
            Admit, Create, Item, Operation, Push, Reason, Rekey, Remove, Removed, Share, VersionRef,
        },
        membership::How,
    },
    message::Method,
    name::SecretName,
    parcel::{Envelope, ParcelItem, pack},
    request_signature, sealed_box,
    secret::SecretBytes,
    wire::{Bytes, Commit, Delivery},
    workspace_key::{SealedLabel, Subject, WorkspaceKey, unwrap, wrap},
};

use crate::{
    device::{Device, signing_key},
    relay::{Answer, Asked},
    team::{Place, Team},
};

/// Sealed parts by recipient.
pub type Parts = BTreeMap<MemberId, Vec<Vec<u8>>>;

/// A member with bad intentions.
pub struct Forger<'a> {
    team: &'a Team,
    /// Who.
    pub identity: Identity,
    /// The workspace key, which every member of a whole environment holds.
    pub key: WorkspaceKey,
    /// What it holds of the log.
    pub state: State,
    /// Its randomness.
    pub entropy: Entropy,
    seed: u8,
}

/// A secret's new version: what the log lists, and what the boxes hold.
pub struct Version {
    /// Listed.
    pub item: Item,
    /// Sealed.
    pub sealed: ParcelItem,
}

impl<'a> Forger<'a> {
    /// A member who was admitted with a grant.
    pub fn of(team: &'a Team, device: &Device) -> Self {
        let (identity, state) = (device.identity(), team.relay.state(team.workspace));
        let me = &state.members()[&identity.id()];
        let delivered = team.relay.delivered(team.workspace, &identity.id());
        let grant = delivered
            .iter()
            .find(|one| one.hashes.first() == me.grant.as_ref().map(|granted| &granted.hash))
            .unwrap();
        let grant = grant.parts[0].clone().unwrap();
        let from = (&me.admitted_by, state.members()[&me.admitted_by].recipient.box_key());
        let commitments = state.key_commitments();
        let key = unwrap(&identity, from, team.workspace, commitments, &grant).unwrap();
        let entropy = fresh();
        Self { team, identity, key, state, entropy, seed: device.seed() }
    }

    /// The founder gone bad, who needs no grant: it takes the key from its own vault's way, a
    /// newcomer's grant that the founder itself wrapped.
    pub fn of_founder(team: &'a Team) -> Self {
        let (identity, entropy) = (team.founder.identity(), fresh());
        let state = team.relay.state(team.workspace);
        let key = founders_key(team);
        Self { team, identity, key, state, entropy, seed: team.founder.seed() }
    }

    /// An Admit without invitation; its grant's hash stands for a grant that nobody made.
    pub fn admission(&mut self, recipient: &Recipient, role: Role, scope: Scope) -> Admit {
        let id = recipient.id();
        let label = self.label(Subject::Member(id), "somebody");
        let grant = (!scope.is_blind()).then_some(SealedHash([7; 32]));
        let person = PersonId(self.entropy.bytes());
        let (proof, person_proof, how) = (None, None, How::OutOfBand);
        let recipient = recipient.clone();
        Admit { recipient, person, role, scope, how, proof, person_proof, grant, label }
    }

    /// Catches up with the honest relay.
    pub fn refresh(&mut self) {
        self.state = self.team.relay.state(self.team.workspace);
    }

    /// Signs the next entry.
    pub fn entry(&self, body: Body) -> SignedEntry {
        let id = self.identity.id();
        let (workspace, head) = (self.state.workspace(), self.state.head());
        Entry::after(workspace, head, 0, id, body).sign(&self.identity).unwrap()
    }

    /// A label under the workspace key.
    pub fn label(&mut self, subject: Subject, text: &str) -> SealedLabel {
        let workspace = self.state.workspace();
        self.key.seal_label(workspace, subject, text.as_bytes(), &mut self.entropy)
    }

    /// A new secret as an honest client would write it.
    pub fn creation(&mut self, environment: EnvironmentId, name: &str, value: &str) -> Version {
        let secret = SecretId(self.entropy.bytes());
        let sealed = self.parcel_item(secret, 1, name, value);
        let label = self.label(Subject::Secret(environment, secret), name);
        let create = Create { name_commitment: sealed.name_commitment(), name: label };
        self.version(environment, sealed, Some(create))
    }

    /// A secret's next version on top of what a device holds.
    pub fn next(&mut self, device: &Device, place: Place, name: &str, value: &str) -> Version {
        let name = SecretName::parse(name).unwrap();
        let snapshot = device.snapshot(place);
        let held = snapshot.by_name(&name).unwrap();
        let version = held.newest().unwrap().version;
        let mut sealed = held.item(version).unwrap();
        sealed.version = version + 1;
        sealed.salt = self.entropy.bytes();
        sealed.value = SecretBytes::copy_of(value.as_bytes());
        self.version(place.1, sealed, None)
    }

    fn parcel_item(
        &mut self,
        secret: SecretId,
        version: u64,
        name: &str,
        value: &str,
    ) -> ParcelItem {
        ParcelItem {
            secret,
            version,
            name: SecretName::parse(name).unwrap(),
            name_salt: self.entropy.bytes(),
            policy: Vec::new(),
            policy_salt: self.entropy.bytes(),
            salt: self.entropy.bytes(),
            value: SecretBytes::copy_of(value.as_bytes()),
        }
    }

    /// A version as the log lists it and as it is sealed.
    pub fn version(
        &self,
        environment: EnvironmentId,
        sealed: ParcelItem,
        create: Option<Create>,
    ) -> Version {
        let operation = Operation::Put(sealed.commitment(self.state.workspace(), environment));
        let (secret, version) = (sealed.secret, sealed.version);
        let item =
            Item { secret, version, operation, create, policy: None, differs_from: Vec::new() };
        Version { item, sealed }
    }

    /// A push to exactly those who have to receive; `twist` may change what one of them gets.
    pub fn push(
        &mut self,
        environment: EnvironmentId,
        versions: Vec<Version>,
        twist: impl Fn(&MemberId, &mut Envelope, &mut Vec<ParcelItem>),
    ) -> (SignedEntry, Parts) {
        let batch = BatchId(self.entropy.bytes());
        let ids: Vec<SecretId> = versions.iter().map(|version| version.item.secret).collect();
        let seq = self.state.head().seq + 1;
        let to: Vec<MemberId> =
            self.state.recipients_before(seq, &environment, &ids).copied().collect();
        let (items, sealed): (Vec<Item>, Vec<ParcelItem>) =
            versions.into_iter().map(|version| (version.item, version.sealed)).unzip();
        let parts = self.seal(environment, batch, &to, &sealed, twist);
        let root = root_of(&parts);
        let push = Push { batch, environment, items, strays: Vec::new(), root };
        (self.entry(Body::Push(push)), parts)
    }

    /// As [`Self::push`], but `twist` changes the sealed boxes, before they are listed.
    pub fn push_sealed(
        &mut self,
        environment: EnvironmentId,
        versions: Vec<Version>,
        twist: impl Fn(&MemberId, &mut Vec<Vec<u8>>),
    ) -> (SignedEntry, Parts) {
        let (entry, mut parts) = self.push(environment, versions, |_, _, _| {});
        parts.iter_mut().for_each(|(id, parts)| twist(id, parts));
        let Body::Push(mut push) = entry.entry().body.clone() else { unreachable!() };
        push.root = root_of(&parts);
        (self.entry(Body::Push(push)), parts)
    }

    /// Ends a secret.
    pub fn delete(&mut self, environment: EnvironmentId, secret: SecretId, version: u64) {
        let operation = Operation::Delete;
        let (policy, create, differs_from) = (None, None, Vec::new());
        let item = Item { secret, version, operation, create, policy, differs_from };
        let batch = BatchId(self.entropy.bytes());
        let (items, strays, root) = (vec![item], Vec::new(), DeliveriesRoot::ZERO);
        let entry = self.entry(Body::Push(Push { batch, environment, items, strays, root }));
        assert_eq!(self.commit((entry, Parts::new())).status, 201);
    }

    /// Admits an identity, with a grant where it is due one.
    pub fn admit(&mut self, newcomer: &Identity, role: Role, scope: Scope) {
        let recipient = newcomer.recipient();
        let mut admit = self.admission(recipient, role, scope);
        let mut parts = Parts::new();
        if admit.grant.is_some() {
            let workspace = self.state.workspace();
            let boxed = wrap(&self.identity, recipient, workspace, &self.key, &mut self.entropy);
            admit.grant = Some(sealed_hash(&boxed));
            parts.insert(recipient.id(), vec![boxed]);
        }
        let entry = self.entry(Body::Admit(Box::new(admit)));
        assert_eq!(self.commit((entry, parts)).status, 201);
    }

    /// Begins a generation of the workspace key.
    pub fn rekey(&mut self) {
        self.key = self.key.with_next_generation(&mut self.entropy);
        let (generation, workspace) = (self.key.generation(), self.state.workspace());
        let commitment = self.key.commitments()[generation as usize];
        let mut parts = Parts::new();
        for id in self.state.key_holders_before(self.state.head().seq + 1) {
            let to = &self.state.members()[&id].recipient;
            let boxed = wrap(&self.identity, to, workspace, &self.key, &mut self.entropy);
            parts.insert(id, vec![boxed]);
        }
        let rekey = Rekey { generation, commitment, root: root_of(&parts) };
        let entry = self.entry(Body::Rekey(rekey));
        assert_eq!(self.commit((entry, parts)).status, 201);
    }

    /// Removes members.
    pub fn remove(&mut self, members: &[MemberId]) {
        let mut members = members.to_vec();
        members.sort_unstable();
        let remove = Remove { who: Removed::Members(members), reason: Reason::Departed };
        let entry = self.entry(Body::Remove(remove));
        assert_eq!(self.commit((entry, Parts::new())).status, 201);
    }

    /// A share of versions, to whom it likes.
    pub fn share(
        &mut self,
        environment: EnvironmentId,
        sealed: &[ParcelItem],
        to: &[MemberId],
    ) -> (SignedEntry, Parts) {
        let batch = BatchId(self.entropy.bytes());
        let parts = self.seal(environment, batch, to, sealed, |_, _, _| {});
        let mut versions: Vec<VersionRef> = sealed
            .iter()
            .map(|item| VersionRef { secret: item.secret, version: item.version })
            .collect();
        versions.sort_unstable();
        let share = Share {
            batch,
            environment,
            versions,
            recipients: to.to_vec(),
            differs: Vec::new(),
            strays: Vec::new(),
            root: root_of(&parts),
        };
        (self.entry(Body::Share(share)), parts)
    }

    fn seal(
        &mut self,
        environment: EnvironmentId,
        batch: BatchId,
        to: &[MemberId],
        sealed: &[ParcelItem],
        twist: impl Fn(&MemberId, &mut Envelope, &mut Vec<ParcelItem>),
    ) -> Parts {
        let mut parts = Parts::new();
        for id in to {
            let member = &self.state.members()[id];
            let own = sealed.iter().filter(|item| member.scope().holds(&environment, &item.secret));
            let mut items: Vec<ParcelItem> = own.map(ParcelItem::expose_copy).collect();
            let (workspace, author) = (self.state.workspace(), self.identity.id());
            let mut envelope = Envelope { workspace, batch, author, recipient: *id, environment };
            twist(id, &mut envelope, &mut items);
            let items: Vec<&ParcelItem> = items.iter().collect();
            let parcels = pack(&envelope, "development", &items);
            let key = member.recipient.box_key();
            let boxes = parcels.iter().map(|one| sealed_box::seal(key, one, &mut self.entropy));
            parts.insert(*id, boxes.collect());
        }
        parts
    }

    /// Brings an entry to the honest relay, which cannot see into boxes.
    pub fn commit(&mut self, (entry, parts): (SignedEntry, Parts)) -> Answer {
        let deliveries = parts.iter().flat_map(|(recipient, parts)| {
            parts.iter().enumerate().map(|(part, sealed)| Delivery {
                entry: 0,
                part: part as u32,
                recipient: *recipient,
                ciphertext: Some(Bytes(sealed.clone())),
                hash: None,
            })
        });
        let commit = Commit {
            workspace: self.team.workspace,
            entries: vec![Bytes(entry.bytes().to_vec())],
            deliveries: deliveries.collect(),
            absent: Vec::new(),
        };
        let answer = self.post(&commit);
        self.refresh();
        answer
    }

    fn post(&mut self, commit: &Commit) -> Answer {
        let (body, target) = (serde_json::to_vec(commit).unwrap(), "/v1/workspaces/sync");
        let key = signing_key(self.seed);
        let authority = self.team.relay.address.to_string();
        let (now, nonce) = (relay_reference::now(), self.entropy.bytes());
        let headers =
            request_signature::sign(&key, Method::Post, &authority, target, "", &body, now, nonce);
        self.team.relay.honest(&Asked {
            method: "POST".to_owned(),
            target: target.to_owned(),
            headers: headers.map(|(name, value)| (name.to_ascii_lowercase(), value)).to_vec(),
            body,
            key: Some(key.verifying_key()),
        })
    }
}

/// Randomness that repeats from run to run and never within one.
fn fresh() -> Entropy {
    static DRAWS: AtomicU8 = AtomicU8::new(0);
    Entropy::new([DRAWS.fetch_add(1, SeqCst); 32])
}

/// The workspace key as it stands in the founder's settings.
fn founders_key(team: &Team) -> WorkspaceKey {
    let commitments = team.relay.state(team.workspace).key_commitments().to_vec();
    let dump = team.founder.dump();
    let settings = dump.iter().find(|(key, _)| key.ends_with("/settings")).unwrap().1;
    let size = 4 + 32 * commitments.len();
    let found = settings.windows(size).find_map(|bytes| {
        let key: WorkspaceKey = parse(bytes, ErrorCode::Internal, "key").ok()?;
        (key.commitments() == commitments).then_some(key)
    });
    found.unwrap()
}

fn root_of(parts: &Parts) -> agentsecrets_core::encoding::DeliveriesRoot {
    let hashes = |parts: &Vec<Vec<u8>>| -> Vec<SealedHash> {
        parts.iter().map(|part| sealed_hash(part)).collect()
    };
    let leaves: Vec<_> = parts.iter().map(|(id, parts)| leaf(id, &hashes(parts))).collect();
    root(&leaves)
}

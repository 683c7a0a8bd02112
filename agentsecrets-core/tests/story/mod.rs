//! A small workspace whose log has every kind of entry, the same bytes every time.
//!
//! Seeds, ids and times are fixed, so tests can be exhaustive and pages can show real bytes.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

use agentsecrets_core::{
    ErrorCode,
    crypto::{Entropy, Signature, SigningKey, derive_key, label},
    encoding::{
        BatchId, Commitment, DeliveriesRoot, EnvironmentId, Head, MemberId, PersonId, SealedHash,
        SecretId, WorkspaceId,
    },
    identity::{Identity, Kind, Recipient},
    invitation::{Invitation, Token},
    log::{
        Body, Entry, Role, Scope, ScopeItem, SignedEntry, State, deliveries,
        entry::{
            Action, Admit, Change, Create, Environment, Genesis, Invite, Item, Operation, Push,
            Reason, Rekey, Remove, Removed, Share, Uninvite, VersionRef,
        },
        membership::How,
        person_proof,
    },
    name::SecretName,
    parcel::{Envelope, ParcelItem, pack},
    policy::Policy,
    sealed_box,
    secret::{Key, SecretBytes},
    workspace_key::{SealedLabel, Subject, WorkspaceKey, wrap},
};

pub const DEVELOPMENT: EnvironmentId = EnvironmentId([0xd1; 16]);
pub const STAGING: EnvironmentId = EnvironmentId([0xd2; 16]);
pub const DATABASE_URL: SecretId = SecretId([0x51; 16]);
pub const PORT: SecretId = SecretId([0x52; 16]);
/// 2026-01-01 in milliseconds; each entry is a second later than the one before.
pub const BEGIN: u64 = 1_767_225_600_000;

/// Who takes part; the seed of each is one byte, 32 times.
pub struct Cast {
    pub founder: Identity,
    pub writer: Identity,
    pub reader: Identity,
    pub agent: Identity,
    pub tablet: Identity,
    pub leaver: Identity,
    pub job: Identity,
    pub outsider: Identity,
}

impl Cast {
    pub fn new() -> Self {
        Self {
            founder: identity(1, Kind::Human),
            writer: identity(2, Kind::Human),
            reader: identity(3, Kind::Ci),
            agent: identity(4, Kind::Agent),
            tablet: identity(5, Kind::Human),
            leaver: identity(6, Kind::Human),
            job: identity(7, Kind::Agent),
            outsider: identity(9, Kind::Human),
        }
    }

    pub fn all(&self) -> [&Identity; 8] {
        let Self { founder, writer, reader, agent, tablet, leaver, job, outsider } = self;
        [founder, writer, reader, agent, tablet, leaver, job, outsider]
    }
}

pub fn identity(byte: u8, kind: Kind) -> Identity {
    Identity::from_seed(Key::new([byte; 32]), kind)
}

/// Signs anything with the key of [`identity`]`(byte, _)`.
pub fn sign(byte: u8, message: &[u8]) -> Signature {
    SigningKey::from_seed(&derive_key(label::SIGNING_KEY, &[byte; 32])).sign(message)
}

pub fn person(byte: u8) -> PersonId {
    PersonId([byte; 16])
}

/// The log while it grows.
pub struct Story {
    pub cast: Cast,
    pub key: WorkspaceKey,
    pub entropy: Entropy,
    pub entries: Vec<SignedEntry>,
    pub state: State,
}

impl Story {
    pub fn begin() -> Self {
        let cast = Cast::new();
        let mut entropy = Entropy::new([7; 32]);
        let key = WorkspaceKey::generate(&mut entropy);
        let nowhere = WorkspaceId::ZERO;
        let id = cast.founder.id();
        let genesis = Genesis {
            founder: cast.founder.recipient().clone(),
            person: person(1),
            policy: Policy::default(),
            key_commitment: key.commitments()[0],
            name: key.seal_label(nowhere, Subject::Workspace, b"acme", &mut entropy),
            label: key.seal_label(nowhere, Subject::Member(id), b"laptop", &mut entropy),
        };
        let signed = Entry::genesis(BEGIN, id, genesis).sign(&cast.founder).unwrap();
        let state = State::genesis(&signed).unwrap();
        Self { cast, key, entropy, entries: vec![signed], state }
    }

    /// Every kind of entry, most of them more than once.
    pub fn whole() -> Self {
        let mut story = Self::begin();
        story.environments();
        story.admissions();
        story.values();
        story.endings();
        story
    }

    pub fn label(&mut self, subject: Subject, text: &str) -> SealedLabel {
        self.key.seal_label(self.state.workspace(), subject, text.as_bytes(), &mut self.entropy)
    }

    /// The entry that would come next.
    pub fn next(&self, author: &Identity, body: Body) -> SignedEntry {
        entry_after(&self.state, author, body).sign(author).unwrap()
    }

    /// Signs and applies.
    pub fn add(&mut self, author: fn(&Cast) -> &Identity, body: Body) -> Head {
        let signed = self.next(author(&self.cast), body);
        self.state.apply(&signed).unwrap();
        self.entries.push(signed);
        self.state.head()
    }

    pub fn environment(&mut self, id: EnvironmentId, action: Action, text: &str) -> Body {
        let label = self.label(Subject::Environment(id), text);
        Body::Environment(Environment { id, action, label })
    }

    fn environments(&mut self) {
        for (id, action, text) in [
            (DEVELOPMENT, Action::Create, "development"),
            (STAGING, Action::Create, "staging"),
            (STAGING, Action::Rename, "stage"),
        ] {
            let body = self.environment(id, action, text);
            self.add(|cast| &cast.founder, body);
        }
        let policy = Policy { first_use: true, ..Policy::default() };
        self.add(|cast| &cast.founder, Body::Policy(policy));
    }

    pub fn invite(&mut self, role: Role, scope: Scope) -> (Token, Body) {
        let token = Token::generate(&mut self.entropy);
        let invite =
            Invite { key: token.verifying_key(), role, scope, expires: BEGIN + 86_400_000 };
        (token, Body::Invite(invite))
    }

    /// An admission without invitation; the grant's hash stands for a grant that was made.
    pub fn admission(&mut self, recipient: &Recipient, role: Role, scope: Scope) -> Admit {
        let label = self.label(Subject::Member(recipient.id()), "a device");
        let grant = (!scope.is_blind()).then(|| self.grant(recipient));
        let person = PersonId(recipient.id().0[..16].try_into().unwrap());
        let (proof, person_proof, how) = (None, None, How::OutOfBand);
        Admit {
            recipient: recipient.clone(),
            person,
            role,
            scope,
            how,
            proof,
            person_proof,
            grant,
            label,
        }
    }

    pub fn grant(&mut self, to: &Recipient) -> SealedHash {
        let workspace = self.state.workspace();
        let boxed = wrap(&self.cast.founder, to, workspace, &self.key, &mut self.entropy);
        deliveries::sealed_hash(&boxed)
    }

    fn admissions(&mut self) {
        let (token, body) = self.invite(Role::Writer, Scope::All);
        let head = self.add(|cast| &cast.founder, body);
        let (_, withdrawn) = self.invite(Role::Reader, Scope::All);
        let second = self.add(|cast| &cast.founder, withdrawn);
        self.add(|cast| &cast.founder, Body::Uninvite(Uninvite { invite: second.hash }));
        let admit = self.by_invitation(head, token);
        self.add(|cast| &cast.founder, Body::Admit(Box::new(admit)));
        let reader = self.cast.reader.recipient().clone();
        let admit = self.admission(&reader, Role::Reader, whole(DEVELOPMENT));
        self.add(|cast| &cast.founder, Body::Admit(Box::new(admit)));
        let admit = self.second_device();
        self.add(|cast| &cast.founder, Body::Admit(Box::new(admit)));
    }

    pub fn by_invitation(&mut self, head: Head, token: Token) -> Admit {
        let recipient = self.cast.writer.recipient().clone();
        let relay = "https://relay.example".to_owned();
        let (workspace, inviter) = (self.state.workspace(), self.cast.founder.id());
        let code = Invitation::new(workspace, head.hash, inviter, head, relay, 0, token);
        let reply = code.accept(&self.cast.writer, "desk", &mut self.entropy);
        let mut admit = self.admission(&recipient, Role::Writer, Scope::All);
        (admit.how, admit.proof) = (How::Invitation(head.hash), Some(reply.proof));
        admit
    }

    pub fn second_device(&mut self) -> Admit {
        let recipient = self.cast.tablet.recipient().clone();
        let mut admit = self.admission(&recipient, Role::Reader, Scope::All);
        admit.person = person(1);
        let data = person_proof(
            self.state.workspace(),
            admit.person,
            &recipient,
            admit.role,
            &admit.scope,
        );
        admit.person_proof = Some((self.cast.founder.id(), sign(1, &data)));
        admit
    }

    fn values(&mut self) {
        let body = self.creation();
        self.add(|cast| &cast.founder, body);
        let agent = self.cast.agent.recipient().clone();
        let mut admit = self.admission(&agent, Role::Reader, single(DEVELOPMENT, DATABASE_URL));
        admit.how = How::FirstUse;
        self.add(|cast| &cast.founder, Body::Admit(Box::new(admit)));
        let share = self.share(vec![version(DATABASE_URL, 1)]);
        self.add(|cast| &cast.writer, Body::Share(share));
        let body = self.second_version();
        self.add(|cast| &cast.writer, body);
        let body = self.environment(STAGING, Action::Archive, "stage");
        self.add(|cast| &cast.founder, body);
    }

    /// A job gets the whole of `development` and is removed, a member leaves, a generation begins.
    fn endings(&mut self) {
        let leaver = self.cast.leaver.recipient().clone();
        let admit = self.admission(&leaver, Role::Reader, whole(DEVELOPMENT));
        self.add(|cast| &cast.founder, Body::Admit(Box::new(admit)));
        let job = self.cast.job.recipient().clone();
        let admit = self.admission(&job, Role::Reader, single(DEVELOPMENT, DATABASE_URL));
        self.add(|cast| &cast.founder, Body::Admit(Box::new(admit)));
        let grant = Some(self.grant(&job));
        self.add(|cast| &cast.founder, change(job.id(), Role::Reader, whole(DEVELOPMENT), grant));
        self.add(|cast| &cast.founder, remove(Removed::Members(vec![job.id()])));
        self.add(|cast| &cast.leaver, Body::Leave);
        let rekey = self.rekey();
        self.add(|cast| &cast.founder, Body::Rekey(rekey));
    }

    /// The next generation of the workspace key, wrapped by the founder to everybody who holds one.
    pub fn rekey(&mut self) -> Rekey {
        self.key = self.key.with_next_generation(&mut self.entropy);
        let holders = self.state.key_holders_before(self.state.head().seq + 1);
        let leaves: Vec<_> = holders
            .iter()
            .map(|id| {
                let recipient = self.state.members()[id].recipient.clone();
                deliveries::leaf(id, &[self.grant(&recipient)])
            })
            .collect();
        let (generation, root) = (self.key.generation(), deliveries::root(&leaves));
        Rekey { generation, commitment: *self.key.commitments().last().unwrap(), root }
    }

    /// Two secrets of `development`, sealed to everybody in scope.
    pub fn creation(&mut self) -> Body {
        let items = [("DATABASE_URL", DATABASE_URL), ("PORT", PORT)].map(|(name, id)| {
            let mut item = parcel_item(id, 1, name, "postgres://app:fake@db.invalid/acme");
            item.policy = if id == PORT { b"fake policy".to_vec() } else { Vec::new() };
            item
        });
        let mut listed: Vec<Item> = items.iter().map(|item| self.item(item)).collect();
        for (item, listed) in items.iter().zip(&mut listed) {
            let name = self.label(Subject::Secret(DEVELOPMENT, item.secret), item.name.as_str());
            listed.create = Some(Create { name_commitment: item.name_commitment(), name });
        }
        listed[1].policy = Some(items[1].policy_commitment());
        let founder = self.cast.founder.id();
        let root = self.root(founder, BatchId([0xb1; 16]), &items, None);
        push(BatchId([0xb1; 16]), listed, root)
    }

    /// Another value for one secret, the end of the other.
    pub fn second_version(&mut self) -> Body {
        let item =
            parcel_item(DATABASE_URL, 2, "DATABASE_URL", "postgres://app:other@db.invalid/acme");
        let mut listed = self.item(&item);
        listed.differs_from = vec![version(DATABASE_URL, 1)];
        let end = Item {
            secret: PORT,
            operation: Operation::Delete,
            differs_from: vec![],
            ..listed.clone()
        };
        let author = self.cast.writer.id();
        let root = self.root(author, BatchId([0xb3; 16]), &[item], None);
        push(BatchId([0xb3; 16]), vec![listed, end], root)
    }

    pub fn share(&mut self, versions: Vec<VersionRef>) -> Share {
        let (author, agent) = (self.cast.writer.id(), self.cast.agent.id());
        let batch = BatchId([0xb2; 16]);
        let item =
            parcel_item(DATABASE_URL, 1, "DATABASE_URL", "postgres://app:fake@db.invalid/acme");
        let root = self.root(author, batch, &[item], Some(&[agent]));
        Share {
            batch,
            environment: DEVELOPMENT,
            versions,
            recipients: vec![agent],
            differs: vec![],
            strays: vec![],
            root,
        }
    }

    fn item(&self, item: &ParcelItem) -> Item {
        Item {
            secret: item.secret,
            version: item.version,
            operation: Operation::Put(item.commitment(self.state.workspace(), DEVELOPMENT)),
            create: None,
            policy: None,
            differs_from: vec![],
        }
    }

    /// The root over really sealed parcels, to the recipients given or to everybody in scope.
    fn root(
        &mut self,
        author: MemberId,
        batch: BatchId,
        items: &[ParcelItem],
        recipients: Option<&[MemberId]>,
    ) -> DeliveriesRoot {
        let ids: Vec<SecretId> = items.iter().map(|item| item.secret).collect();
        let next = self.state.head().seq + 1;
        let all: Vec<_> = self.state.recipients_before(next, &DEVELOPMENT, &ids).copied().collect();
        let leaves: Vec<_> = recipients
            .unwrap_or(&all)
            .iter()
            .map(|recipient| {
                let member = &self.state.members()[recipient];
                let scope = member.scope();
                let theirs: Vec<&ParcelItem> =
                    items.iter().filter(|item| scope.holds(&DEVELOPMENT, &item.secret)).collect();
                let envelope = Envelope {
                    workspace: self.state.workspace(),
                    batch,
                    author,
                    recipient: *recipient,
                    environment: DEVELOPMENT,
                };
                let key = member.recipient.box_key();
                let parts: Vec<SealedHash> = pack(&envelope, "development", &theirs)
                    .iter()
                    .map(|padded| sealed_box::seal(key, padded, &mut self.entropy))
                    .map(|sealed| deliveries::sealed_hash(&sealed))
                    .collect();
                deliveries::leaf(recipient, &parts)
            })
            .collect();
        deliveries::root(&leaves)
    }
}

/// The next entry of a story, signed rightly by its author: only the rules can refuse it.
pub fn refused(story: &Story, author: &Identity, body: Body, why: &str) {
    let mut state = story.state.clone();
    let code = state.apply(&story.next(author, body)).map_err(|error| error.code());
    assert_eq!(code, Err(ErrorCode::RefusedEntry), "{why}");
    assert_eq!(state, story.state, "{why}");
}

pub fn accepted(story: &Story, author: &Identity, body: Body, why: &str) {
    assert_eq!(story.state.clone().apply(&story.next(author, body)), Ok(()), "{why}");
}

pub fn change(member: MemberId, role: Role, scope: Scope, grant: Option<SealedHash>) -> Body {
    Body::Change(Change { member, role, scope, grant })
}

pub fn remove(who: Removed) -> Body {
    Body::Remove(Remove { who, reason: Reason::Retired })
}

pub fn entry_after(state: &State, author: &Identity, body: Body) -> Entry {
    let head = state.head();
    Entry::after(state.workspace(), head, BEGIN + 1000 * (head.seq + 1), author.id(), body)
}

pub fn parcel_item(secret: SecretId, version: u64, name: &str, value: &str) -> ParcelItem {
    ParcelItem {
        secret,
        version,
        name: SecretName::parse(name).unwrap(),
        name_salt: [0xa1; 32],
        policy: Vec::new(),
        policy_salt: [0xa2; 32],
        salt: [0xa3; 32],
        value: SecretBytes::copy_of(value.as_bytes()),
    }
}

pub fn push(batch: BatchId, items: Vec<Item>, root: DeliveriesRoot) -> Body {
    Body::Push(Push { batch, environment: DEVELOPMENT, items, strays: vec![], root })
}

pub fn version(secret: SecretId, version: u64) -> VersionRef {
    VersionRef { secret, version }
}

pub fn whole(environment: EnvironmentId) -> Scope {
    Scope::only([ScopeItem { environment, secrets: None }])
}

pub fn single(environment: EnvironmentId, secret: SecretId) -> Scope {
    Scope::only([ScopeItem { environment, secrets: Some(vec![secret]) }])
}

pub fn commitment(byte: u8) -> Commitment {
    Commitment([byte; 32])
}

//! The fold against the slow, obvious model: one verdict, and the same answers afterwards.

use agentsecrets_core::{
    crypto::{Entropy, Signature, VerifyingKey},
    encoding::{
        BatchId, Commitment, DeliveriesRoot, EntryHash, EnvironmentId, Head, MemberId, PersonId,
        SealedHash, SecretId,
    },
    identity::{Identity, Kind},
    invitation::{Invitation, Token},
    log::{
        Body, Entry, Role, Scope, ScopeItem, State,
        entry::{
            Action, Admit, Change, Create, Environment, Genesis, Invite, Item, Operation, Push,
            Reason, Rekey, Remove, Removed, Share, Stray, Uninvite, VersionRef,
        },
        membership::How,
        person_proof,
    },
    policy::Policy,
    workspace_key::SealedLabel,
};

use crate::{
    input::Input,
    model::{Made, Model, is_blind},
    story,
};

const SEEDS: u8 = 6;
const ENTRIES: usize = 24;

struct Game<'a> {
    people: Vec<Identity>,
    state: State,
    model: Model,
    input: Input<'a>,
}

/// Up to 24 entries, most of them almost right.
pub fn apply(data: &[u8]) {
    let kinds = [Kind::Human, Kind::Human, Kind::Human, Kind::Agent, Kind::Ci, Kind::Human];
    let people = (1..=SEEDS).zip(kinds).map(|(seed, kind)| story::identity(seed, kind)).collect();
    let mut game = Game::begin(people, Input(data));
    for _ in 0..ENTRIES {
        if game.input.is_over() {
            break;
        }
        game.turn();
    }
    game.compare();
}

impl<'a> Game<'a> {
    fn begin(people: Vec<Identity>, input: Input<'a>) -> Self {
        let founder = &people[0];
        let genesis = Genesis {
            founder: founder.recipient().clone(),
            person: story::person(1),
            policy: Policy::default(),
            key_commitment: Commitment([0; 32]),
            name: label(0),
            label: label(0),
        };
        let entry = Entry::genesis(story::BEGIN, founder.id(), genesis);
        let signed = entry.clone().sign(founder).expect("an entry");
        let state = State::genesis(&signed).expect("a genesis");
        let hash = signed.hash();
        let made = Made { entry, hash, signed: true, token: None, vouched: false };
        Self { people, state, model: Model { log: vec![made] }, input }
    }

    /// Rarely something else than what would be right.
    fn odd(&mut self) -> bool {
        self.input.byte() >= 240
    }

    fn turn(&mut self) {
        let author = self.input.below(SEEDS.into());
        let (mut token, mut vouched) = (None, false);
        let body = self.body(&mut token, &mut vouched);
        let mut entry = story::entry_after(&self.state, &self.people[author], body);
        if self.odd() {
            match self.input.below(3) {
                0 => entry.seq += 1,
                1 => entry.prev = EntryHash([7; 32]),
                _ => entry.workspace.0[0] ^= 1,
            }
        }
        let signer = if self.odd() { (author + 1) % usize::from(SEEDS) } else { author };
        let signed = entry.clone().sign(&self.people[signer]).expect("an entry");
        let made = Made { entry, hash: signed.hash(), signed: signer == author, token, vouched };
        let (before, expected) = (self.state.clone(), self.model.accepts(&made));
        let verdict = self.state.apply(&signed);
        assert_eq!(verdict.is_ok(), expected, "{verdict:?}: {:?}", made.entry.body);
        if expected {
            self.model.log.push(made);
        } else {
            assert_eq!(self.state, before, "a refused entry changed the state");
        }
    }

    fn body(&mut self, token: &mut Option<VerifyingKey>, vouched: &mut bool) -> Body {
        match self.input.below(11) {
            0 => Body::Environment(Environment {
                id: self.environment(),
                action: [Action::Create, Action::Rename, Action::Archive][self.input.below(3)],
                label: self.label(),
            }),
            1 => Body::Invite(Invite {
                key: secret_of(self.input.below(3)).verifying_key(),
                role: self.role(),
                scope: self.scope(),
                expires: 0,
            }),
            2 => Body::Uninvite(Uninvite { invite: self.invitation() }),
            3 => Body::Admit(Box::new(self.admit(token, vouched))),
            4 => Body::Change(self.change()),
            5 => self.remove(),
            6 => Body::Leave,
            7 => self.rekey(),
            8 => Body::Push(self.push()),
            9 => Body::Share(self.share()),
            _ => Body::Policy(Policy { first_use: self.input.flip(), ..Policy::default() }),
        }
    }

    fn environment(&mut self) -> EnvironmentId {
        EnvironmentId([self.input.below(3) as u8 + 1; 16])
    }

    fn secret(&mut self) -> SecretId {
        SecretId([self.input.below(4) as u8 + 1; 16])
    }

    fn member(&mut self) -> MemberId {
        let place = self.input.below(SEEDS.into());
        self.people[place].id()
    }

    fn role(&mut self) -> Role {
        Role::ALL[self.input.below(4)]
    }

    fn version(&mut self) -> VersionRef {
        VersionRef { secret: self.secret(), version: self.input.below(4) as u64 }
    }

    fn label(&mut self) -> SealedLabel {
        let odd = u32::from(self.odd());
        label(self.model.generation() + odd)
    }

    fn list<T>(&mut self, mut one: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.input.below(4)).map(|_| one(self)).collect()
    }

    fn scope(&mut self) -> Scope {
        let environment = self.environment();
        match self.input.below(4) {
            0 => Scope::All,
            1 => Scope::Only(vec![ScopeItem { environment, secrets: None }]),
            2 => Scope::Only(vec![ScopeItem { environment, secrets: Some(vec![self.secret()]) }]),
            _ => Scope::Only(self.list(|game| ScopeItem {
                environment: game.environment(),
                secrets: game.input.flip().then(|| game.list(Self::secret)),
            })),
        }
    }

    fn grant(&mut self, right: bool) -> Option<SealedHash> {
        (right != self.odd()).then_some(SealedHash([1; 32]))
    }

    fn root(&mut self, right: bool) -> DeliveriesRoot {
        if right != self.odd() { DeliveriesRoot([1; 32]) } else { DeliveriesRoot::ZERO }
    }

    /// One that there was, or nobody's.
    fn invitation(&mut self) -> EntryHash {
        let invites = self.model.log.iter();
        let invites: Vec<EntryHash> = invites
            .filter(|made| matches!(made.entry.body, Body::Invite(_)))
            .map(|made| made.hash)
            .collect();
        let place = self.input.below(invites.len() + 1);
        invites.get(place).copied().unwrap_or(EntryHash([9; 32]))
    }

    fn admit(&mut self, token: &mut Option<VerifyingKey>, vouched: &mut bool) -> Admit {
        let who = self.input.below(SEEDS.into());
        let recipient = self.people[who].recipient().clone();
        let (role, scope) = (self.role(), self.scope());
        let person = if self.odd() { self.input.below(8) as u8 } else { who as u8 + 1 };
        let person = PersonId([person; 16]);
        let (how, proof) = self.how(who, token);
        let person_proof = self.input.flip().then(|| {
            let data = person_proof(self.state.workspace(), person, &recipient, role, &scope);
            let (named, signer) = (self.input.below(SEEDS.into()), self.odd());
            *vouched = !signer;
            let seed = if signer { named + 1 } else { named } as u8 + 1;
            (self.people[named].id(), story::sign(seed, &data))
        });
        let grant = self.grant(!is_blind(&scope));
        let label = self.label();
        Admit { recipient, person, role, scope, how, proof, person_proof, grant, label }
    }

    fn how(&mut self, who: usize, token: &mut Option<VerifyingKey>) -> (How, Option<Signature>) {
        let stray = self.odd().then_some(Signature([1; 64]));
        match self.input.below(4) {
            0 => (How::OutOfBand, stray),
            1 => (How::FirstUse, stray),
            2 => (How::Founder, stray),
            _ => {
                let (invite, secret) = (self.invitation(), secret_of(self.input.below(3)));
                let inviter = self.model.invitation(&invite).map(|(by, _, _)| by);
                *token = Some(secret.verifying_key());
                let workspace = self.state.workspace();
                let head = Head { seq: 0, hash: invite };
                let inviter = inviter.unwrap_or(self.people[0].id());
                let code =
                    Invitation::new(workspace, invite, inviter, head, String::new(), 0, secret);
                let reply = code.accept(&self.people[who], "", &mut Entropy::new([4; 32]));
                (How::Invitation(invite), Some(reply.proof))
            }
        }
    }

    fn change(&mut self) -> Change {
        let (member, role, scope) = (self.member(), self.role(), self.scope());
        let blind = self.model.active(&member).is_some_and(|fact| is_blind(&fact.scope));
        let grant = self.grant(blind && !is_blind(&scope));
        Change { member, role, scope, grant }
    }

    fn remove(&mut self) -> Body {
        let who = match self.input.flip() {
            true => Removed::Members(sorted(self.list(Self::member), self.odd())),
            false => {
                let persons = self.list(|game| PersonId([game.input.below(8) as u8; 16]));
                Removed::Persons(sorted(persons, self.odd()))
            }
        };
        Body::Remove(Remove { who, reason: Reason::Retired })
    }

    fn rekey(&mut self) -> Body {
        let generation = self.model.generation() + 1 + u32::from(self.odd());
        let commitment = Commitment([if self.odd() { 0 } else { generation as u8 }; 32]);
        Body::Rekey(Rekey { generation, commitment, root: self.root(true) })
    }

    fn push(&mut self) -> Push {
        let environment = self.environment();
        let items: Vec<Item> = (0..1 + self.input.below(3)).map(|_| self.item()).collect();
        let puts: Vec<SecretId> = items
            .iter()
            .filter(|item| item.operation != Operation::Delete)
            .map(|item| item.secret)
            .collect();
        let received = !self.model.receives(&environment, &puts).is_empty();
        let (root, strays) = (self.root(received), self.strays());
        Push { batch: BatchId([1; 16]), environment, items, strays, root }
    }

    fn strays(&mut self) -> Vec<Stray> {
        let odd = self.odd();
        let stray = odd.then(|| Stray {
            member: self.member(),
            environment: self.environment(),
            version: self.version(),
        });
        stray.into_iter().collect()
    }

    fn item(&mut self) -> Item {
        let secret = self.secret();
        let before = self.model.versions(&secret).len() as u64;
        let create = (before == 0) != self.odd();
        let name_commitment = Commitment([3; 32]);
        Item {
            secret,
            version: before + 1 + u64::from(self.odd()),
            operation: match self.input.below(3) {
                0 => Operation::Delete,
                value => Operation::Put(Commitment([value as u8; 32])),
            },
            create: create.then(|| Create { name_commitment, name: self.label() }),
            policy: (self.input.below(4) == 3).then_some(Commitment([5; 32])),
            differs_from: if self.odd() { self.list(Self::version) } else { Vec::new() },
        }
    }

    fn share(&mut self) -> Share {
        let environment = self.environment();
        let versions = sorted(self.list(Self::version), self.odd());
        let recipients = sorted(self.list(Self::member), self.odd());
        let odd = self.odd();
        let differs = if odd { vec![(self.version(), self.version())] } else { Vec::new() };
        let (strays, root) = (self.strays(), self.root(true));
        let batch = BatchId([1; 16]);
        Share { batch, environment, versions, recipients, differs, strays, root }
    }

    /// What both say now.
    fn compare(&self) {
        let (state, model) = (&self.state, &self.model);
        assert_eq!(state.members().keys().copied().collect::<Vec<_>>(), model.ids());
        for (id, member) in state.members() {
            let fact = model.member(id).expect("a member");
            assert_eq!((member.role(), member.scope()), (fact.role, &fact.scope));
            assert_eq!((member.is_active(), member.person), (fact.active, fact.person));
        }
        assert_eq!((state.generation(), *state.policy()), (model.generation(), model.policy()));
        for environment in (1..=3).map(|byte| EnvironmentId([byte; 16])) {
            let known = state.environments().get(&environment).map(|known| known.archived);
            assert_eq!(known, model.environment(&environment));
            for secret in (1..=4).map(|byte| SecretId([byte; 16])) {
                let next = state.head().seq + 1;
                let list = [secret];
                let receives = state.recipients_before(next, &environment, &list);
                assert_eq!(
                    receives.copied().collect::<Vec<_>>(),
                    model.receives(&environment, &list)
                );
            }
        }
        for (id, invitation) in state.invitations() {
            assert_eq!(Some(invitation.open), model.invitation(id).map(|(_, _, open)| open));
        }
        for secret in (1..=4).map(|byte| SecretId([byte; 16])) {
            let versions = state.secrets().get(&secret).map(|known| known.versions.as_slice());
            let told: Vec<_> =
                versions.unwrap_or_default().iter().map(|version| version.operation).collect();
            let own: Vec<_> =
                model.versions(&secret).into_iter().map(|(_, item)| item.operation).collect();
            assert_eq!(told, own);
        }
    }
}

fn sorted<T: Ord>(mut list: Vec<T>, odd: bool) -> Vec<T> {
    if !odd {
        list.sort();
        list.dedup();
    }
    list
}

fn label(generation: u32) -> SealedLabel {
    SealedLabel { generation, ciphertext: Vec::new() }
}

fn secret_of(place: usize) -> Token {
    Token::generate(&mut Entropy::new([place as u8 + 100; 32]))
}

//! The fold as plainly as it can be said: the list of entries that were taken, and questions that
//! go through all of it each time. Slow on purpose; shares no code with the fold.

use agentsecrets_core::{
    crypto::VerifyingKey,
    encoding::{
        Commitment, DeliveriesRoot, EntryHash, EnvironmentId, MemberId, PersonId, SecretId,
    },
    identity::Kind,
    log::{
        Body, Entry, Role, Scope,
        entry::{Action, Admit, Change, Invite, Item, Operation, Push, Removed, Share, VersionRef},
        membership::How,
    },
    policy::Policy,
};

/// An entry as it was made: what its signatures are worth is known to whoever made them.
pub(crate) struct Made {
    pub(crate) entry: Entry,
    pub(crate) hash: EntryHash,
    /// The signature is the named author's.
    pub(crate) signed: bool,
    /// Whose token made the proof, if it is one.
    pub(crate) token: Option<VerifyingKey>,
    /// The voucher is the named device's.
    pub(crate) vouched: bool,
}

#[derive(Default)]
pub(crate) struct Model {
    pub(crate) log: Vec<Made>,
}

/// A member as the entries up to now make it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fact {
    pub(crate) role: Role,
    pub(crate) scope: Scope,
    pub(crate) active: bool,
    pub(crate) person: PersonId,
    pub(crate) kind: Kind,
}

impl Model {
    fn bodies(&self) -> impl Iterator<Item = (&Entry, &EntryHash)> {
        self.log.iter().map(|made| (&made.entry, &made.hash))
    }

    pub(crate) fn ids(&self) -> Vec<MemberId> {
        let mut ids: Vec<_> = self
            .bodies()
            .filter_map(|(entry, _)| match &entry.body {
                Body::Genesis(genesis) => Some(genesis.founder.id()),
                Body::Admit(admit) => Some(admit.recipient.id()),
                _ => None,
            })
            .collect();
        ids.sort();
        ids
    }

    /// After the first `count` entries.
    pub(crate) fn member_after(&self, count: usize, id: &MemberId) -> Option<Fact> {
        let mut fact: Option<Fact> = None;
        for (entry, _) in self.bodies().take(count) {
            match (&entry.body, &mut fact) {
                (Body::Genesis(genesis), None) if genesis.founder.id() == *id => {
                    let (role, scope) = (Role::Owner, Scope::All);
                    let kind = genesis.founder.kind();
                    fact = Some(Fact { role, scope, active: true, person: genesis.person, kind });
                }
                (Body::Admit(admit), None) if admit.recipient.id() == *id => {
                    let Admit { role, scope, person, .. } = &**admit;
                    let (role, scope, kind) = (*role, scope.clone(), admit.recipient.kind());
                    fact = Some(Fact { role, scope, active: true, person: *person, kind });
                }
                (Body::Change(change), Some(fact)) if change.member == *id => {
                    (fact.role, fact.scope) = (change.role, change.scope.clone());
                }
                (Body::Remove(remove), Some(fact)) => {
                    let named = match &remove.who {
                        Removed::Members(members) => members.contains(id),
                        Removed::Persons(persons) => persons.contains(&fact.person),
                    };
                    fact.active &= !named;
                }
                (Body::Leave, Some(fact)) if entry.author == *id => fact.active = false,
                _ => {}
            }
        }
        fact
    }

    pub(crate) fn member(&self, id: &MemberId) -> Option<Fact> {
        self.member_after(self.log.len(), id)
    }

    pub(crate) fn active(&self, id: &MemberId) -> Option<Fact> {
        self.member(id).filter(|fact| fact.active)
    }

    pub(crate) fn generation(&self) -> u32 {
        self.bodies().filter(|(entry, _)| matches!(entry.body, Body::Rekey(_))).count() as u32
    }

    pub(crate) fn policy(&self) -> Policy {
        let policies = self.bodies().filter_map(|(entry, _)| match &entry.body {
            Body::Genesis(genesis) => Some(genesis.policy),
            Body::Policy(policy) => Some(*policy),
            _ => None,
        });
        policies.last().expect("a genesis")
    }

    /// Whether it is archived; `None` where there is none.
    pub(crate) fn environment(&self, id: &EnvironmentId) -> Option<bool> {
        let actions = self.bodies().filter_map(|(entry, _)| match &entry.body {
            Body::Environment(environment) if environment.id == *id => Some(environment.action),
            _ => None,
        });
        actions.last().map(|action| action == Action::Archive)
    }

    pub(crate) fn invitation(&self, id: &EntryHash) -> Option<(MemberId, &Invite, bool)> {
        let found = self.bodies().find_map(|(entry, hash)| match &entry.body {
            Body::Invite(invite) if hash == id => Some((entry.author, invite)),
            _ => None,
        });
        let used = self.bodies().any(|(entry, _)| match &entry.body {
            Body::Uninvite(uninvite) => uninvite.invite == *id,
            Body::Admit(admit) => admit.how == How::Invitation(*id),
            _ => false,
        });
        found.map(|(author, invite)| (author, invite, !used))
    }

    /// The versions of a secret, oldest first.
    pub(crate) fn versions(&self, id: &SecretId) -> Vec<(EnvironmentId, &Item)> {
        let pushes = self.bodies().filter_map(|(entry, _)| match &entry.body {
            Body::Push(push) => Some(push),
            _ => None,
        });
        let of = |push: &'_ Push| push.environment;
        pushes
            .flat_map(|push| push.items.iter().map(move |item| (of(push), item)))
            .filter(|(_, item)| item.secret == *id)
            .collect()
    }

    fn exists(&self, version: &VersionRef) -> bool {
        (1..=self.versions(&version.secret).len() as u64).contains(&version.version)
    }

    pub(crate) fn receives(
        &self,
        environment: &EnvironmentId,
        secrets: &[SecretId],
    ) -> Vec<MemberId> {
        let within = |id: &MemberId| {
            let Some(fact) = self.active(id) else { return false };
            secrets.iter().any(|secret| holds(&fact.scope, environment, secret))
        };
        self.ids().into_iter().filter(within).collect()
    }

    /// The verdict.
    pub(crate) fn accepts(&self, made: &Made) -> bool {
        let (entry, last) = (&made.entry, self.log.last().expect("a genesis"));
        let follows = entry.workspace.0 == self.log[0].hash.0
            && entry.prev == last.hash
            && entry.seq == last.entry.seq + 1;
        let Some(author) = self.active(&entry.author).filter(|_| follows && made.signed) else {
            return false;
        };
        let admin = author.role >= Role::Admin;
        match &entry.body {
            Body::Genesis(_) => false,
            Body::Environment(change) => {
                let known = self.environment(&change.id);
                let fits = match change.action {
                    Action::Create => known.is_none() && author.scope == Scope::All,
                    _ => known == Some(false) && holds_all(&author.scope, &change.id),
                };
                admin && fits && change.label.generation == self.generation()
            }
            Body::Invite(invite) => {
                may_grant(&author, invite.role, &invite.scope) && self.is_known(&invite.scope)
            }
            Body::Uninvite(uninvite) => {
                let found = self.invitation(&uninvite.invite).filter(|(_, _, open)| *open);
                found.is_some_and(|(by, invite, _)| {
                    by == entry.author || over(author.role, invite.role)
                })
            }
            Body::Admit(admit) => self.admits(&author, admit, made),
            Body::Change(change) => self.changes(&author, change),
            Body::Remove(remove) => self.removes(&entry.author, &author, &remove.who),
            Body::Leave => self.owner_left(|id| *id != entry.author),
            Body::Rekey(rekey) => {
                let next = rekey.generation == self.generation() + 1;
                let fresh = !self.commitments().contains(&rekey.commitment);
                let holder = !is_blind(&author.scope);
                admin && next && fresh && holder && rekey.root != DeliveriesRoot::ZERO
            }
            Body::Push(push) => self.pushes(&author, push),
            Body::Share(share) => self.shares(&author, share),
            Body::Policy(_) => author.role == Role::Owner,
        }
    }

    fn commitments(&self) -> Vec<Commitment> {
        let of = |(entry, _): (&Entry, &EntryHash)| match &entry.body {
            Body::Genesis(genesis) => Some(genesis.key_commitment),
            Body::Rekey(rekey) => Some(rekey.commitment),
            _ => None,
        };
        self.bodies().filter_map(of).collect()
    }

    fn admits(&self, author: &Fact, admit: &Admit, made: &Made) -> bool {
        let ids = self.ids();
        let grants = admit.grant.is_some() != is_blind(&admit.scope);
        let new = !ids.contains(&admit.recipient.id());
        let label = admit.label.generation == self.generation();
        let known = ids.iter().any(|id| self.member(id).is_some_and(|m| m.person == admit.person));
        let person = match &admit.person_proof {
            None => !known,
            Some((device, _)) => {
                let device = self.active(device);
                made.vouched
                    && device.is_some_and(|d| d.person == admit.person && d.kind == Kind::Human)
            }
        };
        may_grant(author, admit.role, &admit.scope)
            && (grants && new && label && person)
            && self.is_known(&admit.scope)
            && self.believes(admit, made)
    }

    fn believes(&self, admit: &Admit, made: &Made) -> bool {
        match (&admit.how, admit.proof.is_some()) {
            (How::OutOfBand, false) => true,
            (How::FirstUse, false) => self.policy().first_use,
            (How::Invitation(id), true) => {
                let Some((by, invite, true)) = self.invitation(id) else { return false };
                let still = |by: Fact| may_grant(&by, invite.role, &invite.scope);
                self.active(&by).is_some_and(still)
                    && admit.role <= invite.role
                    && within(&admit.scope, &invite.scope)
                    && made.token == Some(invite.key)
            }
            _ => false,
        }
    }

    fn changes(&self, author: &Fact, change: &Change) -> bool {
        let Some(member) = self.active(&change.member) else { return false };
        let grants = is_blind(&member.scope) && !is_blind(&change.scope);
        over(author.role, member.role)
            && may_grant(author, change.role, &change.scope)
            && (member.role != change.role || member.scope != change.scope)
            && (change.role == Role::Owner || self.owner_left(|id| *id != change.member))
            && change.grant.is_some() == grants
            && self.is_known(&change.scope)
    }

    fn removes(&self, id: &MemberId, author: &Fact, who: &Removed) -> bool {
        let active: Vec<_> =
            self.ids().into_iter().filter(|id| self.active(id).is_some()).collect();
        let person = |id: &MemberId| self.member(id).map(|member| member.person);
        let (removed, listed) = match who {
            Removed::Members(members) => (members.clone(), rising(members)),
            Removed::Persons(persons) => {
                let named = |id: &&MemberId| person(id).is_some_and(|p| persons.contains(&p));
                let each = persons.iter().all(|p| active.iter().any(|id| person(id) == Some(*p)));
                (active.iter().filter(named).copied().collect(), rising(persons) && each)
            }
        };
        let may = |other: &MemberId| {
            self.active(other).is_some_and(|member| {
                let own = author.kind == Kind::Human && author.person == member.person;
                other != id && (own || over(author.role, member.role))
            })
        };
        listed
            && !removed.is_empty()
            && removed.iter().all(may)
            && self.owner_left(|id| !removed.contains(id))
    }

    fn owner_left(&self, counts: impl Fn(&MemberId) -> bool) -> bool {
        let owner = |id: &MemberId| self.active(id).is_some_and(|m| m.role == Role::Owner);
        self.ids().iter().any(|id| owner(id) && counts(id))
    }

    fn pushes(&self, author: &Fact, push: &Push) -> bool {
        let mut ids: Vec<SecretId> = push.items.iter().map(|item| item.secret).collect();
        ids.sort();
        ids.dedup();
        let puts: Vec<SecretId> = push
            .items
            .iter()
            .filter(|item| item.operation != Operation::Delete)
            .map(|item| item.secret)
            .collect();
        let received = !self.receives(&push.environment, &puts).is_empty();
        author.role >= Role::Writer
            && self.environment(&push.environment) == Some(false)
            && !push.items.is_empty()
            && ids.len() == push.items.len()
            && push.items.iter().all(|item| self.takes(author, &push.environment, item))
            && push.strays.iter().all(|stray| self.ids().contains(&stray.member))
            && received == (push.root != DeliveriesRoot::ZERO)
    }

    fn takes(&self, author: &Fact, environment: &EnvironmentId, item: &Item) -> bool {
        let versions = self.versions(&item.secret);
        let put = item.operation != Operation::Delete;
        let place = match &item.create {
            Some(create) => {
                versions.is_empty()
                    && holds_all(&author.scope, environment)
                    && create.name.generation == self.generation()
                    && put
            }
            None => {
                !versions.is_empty()
                    && versions[0].0 == *environment
                    && holds(&author.scope, environment, &item.secret)
            }
        };
        place
            && item.version == versions.len() as u64 + 1
            && (item.policy.is_none() || (author.role >= Role::Admin && put))
            && item.differs_from.iter().all(|version| self.exists(version))
    }

    fn shares(&self, author: &Fact, share: &Share) -> bool {
        let shareable = |version: &VersionRef| {
            let versions = self.versions(&version.secret);
            let found = usize::try_from(version.version.wrapping_sub(1)).ok();
            let found = found.and_then(|place| versions.get(place));
            found.is_some_and(|(of, item)| {
                *of == share.environment && item.operation != Operation::Delete
            }) && holds(&author.scope, &share.environment, &version.secret)
        };
        let fits = |id: &MemberId| {
            self.active(id).is_some_and(|member| {
                let each = |v: &VersionRef| holds(&member.scope, &share.environment, &v.secret);
                share.versions.iter().all(each)
            })
        };
        author.role >= Role::Writer
            && self.environment(&share.environment).is_some()
            && (rising(&share.versions) && rising(&share.recipients))
            && (!share.versions.is_empty() && !share.recipients.is_empty())
            && share.versions.iter().all(shareable)
            && share.recipients.iter().all(fits)
            && share.differs.iter().all(|(new, old)| self.exists(new) && self.exists(old))
            && share.strays.iter().all(|stray| self.ids().contains(&stray.member))
            && share.root != DeliveriesRoot::ZERO
    }

    fn is_known(&self, scope: &Scope) -> bool {
        let Scope::Only(items) = scope else { return true };
        items.iter().all(|item| {
            let of = |secret: &SecretId| {
                self.versions(secret).first().is_some_and(|first| first.0 == item.environment)
            };
            self.environment(&item.environment).is_some() && item.secrets.iter().flatten().all(of)
        })
    }
}

fn over(role: Role, other: Role) -> bool {
    role == Role::Owner || (role == Role::Admin && other < Role::Admin)
}

fn may_grant(author: &Fact, role: Role, scope: &Scope) -> bool {
    over(author.role, role) && is_canonical(scope) && within(scope, &author.scope)
}

fn rising<T: Ord>(list: &[T]) -> bool {
    list.windows(2).all(|pair| pair[0] < pair[1])
}

fn is_canonical(scope: &Scope) -> bool {
    let Scope::Only(items) = scope else { return true };
    let environments: Vec<_> = items.iter().map(|item| item.environment).collect();
    let lists = items.iter().filter_map(|item| item.secrets.as_ref());
    !items.is_empty()
        && rising(&environments)
        && lists.into_iter().all(|list| !list.is_empty() && rising(list))
}

pub(crate) fn holds(scope: &Scope, environment: &EnvironmentId, secret: &SecretId) -> bool {
    let Scope::Only(items) = scope else { return true };
    items.iter().any(|item| {
        item.environment == *environment
            && item.secrets.as_ref().is_none_or(|secrets| secrets.contains(secret))
    })
}

fn holds_all(scope: &Scope, environment: &EnvironmentId) -> bool {
    let Scope::Only(items) = scope else { return true };
    items.iter().any(|item| item.environment == *environment && item.secrets.is_none())
}

fn within(inner: &Scope, outer: &Scope) -> bool {
    let Scope::Only(items) = inner else { return *outer == Scope::All };
    items.iter().all(|item| match &item.secrets {
        None => holds_all(outer, &item.environment),
        Some(secrets) => secrets.iter().all(|secret| holds(outer, &item.environment, secret)),
    })
}

pub(crate) fn is_blind(scope: &Scope) -> bool {
    let Scope::Only(items) = scope else { return false };
    items.iter().all(|item| item.secrets.is_some())
}

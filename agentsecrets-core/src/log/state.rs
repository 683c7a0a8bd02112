//! The fold: what the log says, as one value that everybody computes alike.

use std::collections::{BTreeMap, BTreeSet};

use borsh::{BorshDeserialize, BorshSerialize};

use super::{
    deliveries,
    entry::{
        Action, Admit, Body, Change, Entry, Genesis, Invite, Item, Operation, Push, Rekey, Remove,
        Removed, Share, SignedEntry, Stray, VersionRef,
    },
    membership::{Granted, How, Member, Role, Scope, Span},
    rules,
};
use crate::{
    crypto::VerifyingKey,
    encoding::{
        BatchId, Commitment, DeliveriesRoot, EntryHash, EnvironmentId, Head, MemberId, SealedHash,
        SecretId, WorkspaceId,
    },
    error::{Error, ErrorCode, Result},
    policy::Policy,
    workspace_key::SealedLabel,
};

/// An environment as the log knows it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct EnvironmentState {
    /// Its label, under the workspace key.
    pub label: SealedLabel,
    /// Whether it takes no more pushes.
    pub archived: bool,
    /// Number of the entry that made it.
    pub created: u64,
}

/// An invitation as the log knows it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct InvitationState {
    /// Who wrote it.
    pub author: MemberId,
    /// What it offers.
    pub invite: Invite,
    /// Whether it still admits somebody.
    pub open: bool,
}

/// A secret as the log knows it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct SecretState {
    /// Its environment.
    pub environment: EnvironmentId,
    /// Salted commitment to its name.
    pub name_commitment: Commitment,
    /// Its name and tags, under the workspace key.
    pub name: SealedLabel,
    /// Salted commitment to its policy; `None` for the empty one.
    pub policy: Option<Commitment>,
    /// All versions; version n stands at n - 1.
    pub versions: Vec<VersionState>,
}

impl SecretState {
    /// The newest version and its number; every secret has one.
    pub fn live(&self) -> Option<(u64, &VersionState)> {
        Some((self.versions.len() as u64, self.versions.last()?))
    }

    /// Commitment of the newest version, `None` where that is a deletion.
    pub fn live_commitment(&self) -> Option<Commitment> {
        match self.versions.last()?.operation {
            Operation::Put(commitment) => Some(commitment),
            Operation::Delete => None,
        }
    }

    /// One version.
    pub fn version(&self, number: u64) -> Option<&VersionState> {
        self.versions.get(usize::try_from(number.checked_sub(1)?).ok()?)
    }
}

/// One version of a secret.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct VersionState {
    /// Number of the entry.
    pub seq: u64,
    /// Who wrote it.
    pub author: MemberId,
    /// When, by the author's clock, in milliseconds since 1970.
    pub time: u64,
    /// A value or its end.
    pub operation: Operation,
    /// Versions that its author tested to be other ones.
    pub differs_from: Vec<VersionRef>,
}

/// A Share as the log knows it.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct ShareState {
    /// Number of the entry.
    pub seq: u64,
    /// The environment.
    pub environment: EnvironmentId,
    /// What was sealed, sorted.
    pub versions: Vec<VersionRef>,
    /// To whom, sorted.
    pub recipients: Vec<MemberId>,
    /// Pairs found to differ.
    pub differs: Vec<(VersionRef, VersionRef)>,
}

/// An entry that delivers values: a Push or a Share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Carrier {
    /// Its environment.
    pub environment: EnvironmentId,
    /// Names it inside its parcels.
    pub batch: BatchId,
    /// Who signed it.
    pub author: MemberId,
    /// Over what each recipient gets.
    pub root: DeliveriesRoot,
}

/// A Rekey as the log knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct RekeyState {
    /// Number of the entry.
    pub seq: u64,
    /// Who wrapped the grants.
    pub author: MemberId,
    /// Over the grants.
    pub root: DeliveriesRoot,
}

/// What the log says. Two members with one head have the same state, byte for byte.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct State {
    pub(super) workspace: WorkspaceId,
    pub(super) head: Head,
    pub(super) name: SealedLabel,
    pub(super) policy: Policy,
    pub(super) key_commitments: Vec<Commitment>,
    pub(super) members: BTreeMap<MemberId, Member>,
    pub(super) keys: BTreeSet<[u8; 32]>,
    pub(super) environments: BTreeMap<EnvironmentId, EnvironmentState>,
    pub(super) invitations: BTreeMap<EntryHash, InvitationState>,
    pub(super) secrets: BTreeMap<SecretId, SecretState>,
    pub(super) shares: Vec<ShareState>,
    pub(super) carriers: BTreeMap<u64, Carrier>,
    pub(super) rekeys: Vec<RekeyState>,
    pub(super) strays: BTreeSet<Stray>,
}

impl State {
    /// The state after Genesis, whose hash is the workspace's id.
    ///
    /// # Errors
    /// `refused_entry`, `bad_signature`, `malformed_recipient`.
    pub fn genesis(signed: &SignedEntry) -> Result<Self> {
        let genesis = rules::check_genesis(signed)?;
        let entry = signed.entry();
        let mut state = Self {
            workspace: WorkspaceId(signed.hash().0),
            head: signed.head(),
            name: genesis.name.clone(),
            policy: genesis.policy,
            key_commitments: vec![genesis.key_commitment],
            members: BTreeMap::new(),
            keys: BTreeSet::new(),
            environments: BTreeMap::new(),
            invitations: BTreeMap::new(),
            secrets: BTreeMap::new(),
            shares: Vec::new(),
            carriers: BTreeMap::new(),
            rekeys: Vec::new(),
            strays: BTreeSet::new(),
        };
        state.found(entry.author, genesis);
        Ok(state)
    }

    /// Takes the next entry in. Pure: needs no key, no clock; an error leaves the state as it was.
    ///
    /// # Errors
    /// `broken_chain`, `bad_signature`, `refused_entry`, `malformed_recipient`.
    pub fn apply(&mut self, signed: &SignedEntry) -> Result<()> {
        rules::check(self, signed)?;
        self.take(signed);
        self.head = signed.head();
        Ok(())
    }

    /// Id of the workspace.
    pub fn workspace(&self) -> WorkspaceId {
        self.workspace
    }

    /// The newest entry.
    pub fn head(&self) -> Head {
        self.head
    }

    /// The workspace's name, under the workspace key.
    pub fn name(&self) -> &SealedLabel {
        &self.name
    }

    /// The policy in force.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Commitments to the generations of the workspace key, oldest first.
    pub fn key_commitments(&self) -> &[Commitment] {
        &self.key_commitments
    }

    /// Number of the current generation of the workspace key.
    pub fn generation(&self) -> u32 {
        (self.key_commitments.len() as u32).saturating_sub(1)
    }

    /// Everybody who ever was a member, by id.
    pub fn members(&self) -> &BTreeMap<MemberId, Member> {
        &self.members
    }

    /// A member who is one now.
    pub fn active(&self, id: &MemberId) -> Option<&Member> {
        self.members.get(id).filter(|member| member.is_active())
    }

    /// Whose key it is, member now or before.
    pub fn member_by_key(&self, key: &VerifyingKey) -> Option<(&MemberId, &Member)> {
        self.members.iter().find(|(_, member)| member.verifying_key() == key)
    }

    /// Whether either key of a recipient was ever admitted.
    pub fn knows_key_of(&self, recipient: &crate::identity::Recipient) -> bool {
        let keys = [recipient.verifying_key().as_bytes(), recipient.box_key().as_bytes()];
        keys.iter().any(|key| self.keys.contains(*key))
    }

    /// Environments by id, archived ones too.
    pub fn environments(&self) -> &BTreeMap<EnvironmentId, EnvironmentState> {
        &self.environments
    }

    /// Invitations by their entries' hashes.
    pub fn invitations(&self) -> &BTreeMap<EntryHash, InvitationState> {
        &self.invitations
    }

    /// An invitation that still admits somebody.
    pub fn open_invitation(&self, id: &EntryHash) -> Option<&InvitationState> {
        self.invitations
            .get(id)
            .filter(|invitation| invitation.open && rules::author_could_invite(self, invitation))
    }

    /// Secrets by id, deleted ones too.
    pub fn secrets(&self) -> &BTreeMap<SecretId, SecretState> {
        &self.secrets
    }

    /// Secrets of one environment.
    pub fn secrets_of(
        &self,
        environment: EnvironmentId,
    ) -> impl Iterator<Item = (&SecretId, &SecretState)> {
        self.secrets.iter().filter(move |(_, secret)| secret.environment == environment)
    }

    /// All Shares, oldest first.
    pub fn shares(&self) -> &[ShareState] {
        &self.shares
    }

    /// Entries that deliver values, by their numbers.
    pub fn carriers(&self) -> &BTreeMap<u64, Carrier> {
        &self.carriers
    }

    /// Rekeys, oldest first; the one at n began generation n + 1.
    pub fn rekeys(&self) -> &[RekeyState] {
        &self.rekeys
    }

    /// Sealed versions that left a device without their entry being accepted.
    pub fn strays(&self) -> &BTreeSet<Stray> {
        &self.strays
    }

    /// Number of the entry that began the current generation of the workspace key.
    pub fn generation_since(&self) -> u64 {
        self.rekeys.last().map_or(0, |rekey| rekey.seq)
    }

    /// Whether somebody holds the current workspace key who no longer may: names and labels to come
    /// are readable to them until a Rekey.
    pub fn needs_rekey(&self) -> bool {
        let since = self.generation_since();
        let held_it = |member: &Member| {
            let ends = member.spans.iter().skip(1).map(|span| span.since).chain([u64::MAX]);
            let mut spans = member.spans.iter().zip(ends);
            let over = member.ended.unwrap_or(u64::MAX);
            spans.any(|(span, end)| !span.scope.is_blind() && end.min(over) >= since)
        };
        self.members.values().any(|member| !member.holds_key() && held_it(member))
    }

    /// Active members who get the grants of a Rekey at entry `seq`, sorted.
    pub fn key_holders_before(&self, seq: u64) -> Vec<MemberId> {
        let holders = self.members.iter();
        holders
            .filter(|(_, member)| member.scope_before(seq).is_some_and(|scope| !scope.is_blind()))
            .map(|(id, _)| *id)
            .collect()
    }

    /// The members that a Remove names.
    pub fn removed_by(&self, remove: &Remove) -> Vec<MemberId> {
        match &remove.who {
            Removed::Members(members) => members.clone(),
            Removed::Persons(persons) => {
                let of = |member: &Member| persons.binary_search(&member.person).is_ok();
                let active = self.members.iter().filter(|(_, member)| member.is_active());
                active.filter(|(_, member)| of(member)).map(|(id, _)| *id).collect()
            }
        }
    }

    /// Who was a member in scope of a secret just before entry `seq`, sorted.
    pub fn recipients_before<'a>(
        &'a self,
        seq: u64,
        environment: &'a EnvironmentId,
        secrets: &'a [SecretId],
    ) -> impl Iterator<Item = &'a MemberId> {
        self.members.iter().filter_map(move |(id, member)| {
            let scope = member.scope_before(seq)?;
            secrets.iter().any(|secret| scope.holds(environment, secret)).then_some(id)
        })
    }

    /// Who receives by an entry, sorted: computed from the state before it, never a list of anybody's.
    pub fn expected_deliveries(&self, entry: &Entry) -> Vec<MemberId> {
        match &entry.body {
            Body::Push(push) => {
                let puts = put_ids(&push.items);
                self.recipients_before(entry.seq, &push.environment, &puts).copied().collect()
            }
            Body::Share(share) => share.recipients.clone(),
            Body::Admit(admit) => admit.grant.iter().map(|_| admit.recipient.id()).collect(),
            Body::Change(change) => change.grant.iter().map(|_| change.member).collect(),
            Body::Rekey(_) => self.key_holders_before(entry.seq),
            _ => Vec::new(),
        }
    }

    /// Whether sealed parts are exactly what a signed entry lists: recipients and hashes.
    ///
    /// # Errors
    /// `refused_entry`.
    pub fn check_deliveries(
        &self,
        entry: &Entry,
        parts: &BTreeMap<MemberId, Vec<SealedHash>>,
    ) -> Result<()> {
        let refuse = |why: &'static str| Err(Error::new(ErrorCode::RefusedEntry, why));
        if !parts.keys().eq(self.expected_deliveries(entry).iter()) {
            return refuse("the deliveries are for other members than the state says");
        }
        let leaves: Vec<_> = parts.iter().map(|(id, parts)| deliveries::leaf(id, parts)).collect();
        match &entry.body {
            Body::Push(push) if push.root != deliveries::root(&leaves) => {
                refuse("the deliveries miss the push's root")
            }
            Body::Share(share) if share.root != deliveries::root(&leaves) => {
                refuse("the deliveries miss the share's root")
            }
            Body::Rekey(rekey) if rekey.root != deliveries::root(&leaves) => {
                refuse("the grants miss the rekey's root")
            }
            Body::Admit(admit) if !parts.values().flatten().eq(&admit.grant) => {
                refuse("the grant misses its hash")
            }
            Body::Change(change) if !parts.values().flatten().eq(&change.grant) => {
                refuse("the grant misses its hash")
            }
            _ => Ok(()),
        }
    }

    fn found(&mut self, author: MemberId, genesis: &Genesis) {
        let member = Member {
            recipient: genesis.founder.clone(),
            person: genesis.person,
            spans: vec![Span { since: 0, role: Role::Owner, scope: Scope::All }],
            ended: None,
            admitted_by: author,
            how: How::Founder,
            grant: None,
            label: genesis.label.clone(),
        };
        self.enter(author, member);
    }

    fn enter(&mut self, id: MemberId, member: Member) {
        self.keys.insert(*member.recipient.verifying_key().as_bytes());
        self.keys.insert(*member.recipient.box_key().as_bytes());
        self.members.insert(id, member);
    }

    /// Effects of an entry that passed all checks.
    fn take(&mut self, signed: &SignedEntry) {
        let entry = signed.entry();
        match &entry.body {
            Body::Genesis(_) => {}
            Body::Environment(environment) => self.take_environment(entry.seq, environment),
            Body::Invite(invite) => {
                let invitation =
                    InvitationState { author: entry.author, invite: invite.clone(), open: true };
                self.invitations.insert(signed.hash(), invitation);
            }
            Body::Uninvite(uninvite) => self.close_invitation(&uninvite.invite),
            Body::Admit(admit) => self.take_admit(entry, admit),
            Body::Change(change) => self.take_change(entry, change),
            Body::Remove(remove) => {
                for id in self.removed_by(remove) {
                    self.end(&id, entry.seq);
                }
            }
            Body::Leave => self.end(&entry.author, entry.seq),
            Body::Rekey(rekey) => self.take_rekey(entry, rekey),
            Body::Push(push) => self.take_push(entry, push),
            Body::Share(share) => self.take_share(entry, share),
            Body::Policy(policy) => self.policy = *policy,
        }
    }

    fn take_environment(&mut self, seq: u64, change: &super::entry::Environment) {
        let created =
            self.environments.get(&change.id).map_or(seq, |environment| environment.created);
        let archived = change.action == Action::Archive;
        let label = change.label.clone();
        self.environments.insert(change.id, EnvironmentState { label, archived, created });
    }

    fn close_invitation(&mut self, id: &EntryHash) {
        if let Some(invitation) = self.invitations.get_mut(id) {
            invitation.open = false;
        }
    }

    fn take_admit(&mut self, entry: &Entry, admit: &Admit) {
        if let How::Invitation(invitation) = &admit.how {
            self.close_invitation(invitation);
        }
        let member = Member {
            recipient: admit.recipient.clone(),
            person: admit.person,
            spans: vec![Span { since: entry.seq, role: admit.role, scope: admit.scope.clone() }],
            ended: None,
            admitted_by: entry.author,
            how: admit.how,
            grant: admit.grant.map(|hash| Granted { seq: entry.seq, from: entry.author, hash }),
            label: admit.label.clone(),
        };
        self.enter(admit.recipient.id(), member);
    }

    fn take_change(&mut self, entry: &Entry, change: &Change) {
        let Some(member) = self.members.get_mut(&change.member) else { return };
        let (role, scope) = (change.role, change.scope.clone());
        member.spans.push(Span { since: entry.seq, role, scope });
        if let Some(hash) = change.grant {
            member.grant = Some(Granted { seq: entry.seq, from: entry.author, hash });
        }
    }

    fn end(&mut self, id: &MemberId, seq: u64) {
        if let Some(member) = self.members.get_mut(id) {
            member.ended = Some(seq);
        }
    }

    fn take_rekey(&mut self, entry: &Entry, rekey: &Rekey) {
        self.key_commitments.push(rekey.commitment);
        self.rekeys.push(RekeyState { seq: entry.seq, author: entry.author, root: rekey.root });
    }

    fn take_push(&mut self, entry: &Entry, push: &Push) {
        let Push { batch, environment, root, .. } = *push;
        self.carriers.insert(entry.seq, Carrier { environment, batch, author: entry.author, root });
        self.strays.extend(push.strays.iter().copied());
        push.items.iter().for_each(|item| self.take_item(entry, environment, item));
    }

    fn take_share(&mut self, entry: &Entry, share: &Share) {
        let Share { batch, environment, root, .. } = *share;
        self.carriers.insert(entry.seq, Carrier { environment, batch, author: entry.author, root });
        self.strays.extend(share.strays.iter().copied());
        self.shares.push(ShareState {
            seq: entry.seq,
            environment,
            versions: share.versions.clone(),
            recipients: share.recipients.clone(),
            differs: share.differs.clone(),
        });
    }

    fn take_item(&mut self, entry: &Entry, environment: EnvironmentId, item: &Item) {
        if let Some(create) = &item.create {
            let secret = SecretState {
                environment,
                name_commitment: create.name_commitment,
                name: create.name.clone(),
                policy: None,
                versions: Vec::new(),
            };
            self.secrets.insert(item.secret, secret);
        }
        let Some(secret) = self.secrets.get_mut(&item.secret) else { return };
        secret.policy = item.policy.or(secret.policy);
        secret.versions.push(VersionState {
            seq: entry.seq,
            author: entry.author,
            time: entry.time,
            operation: item.operation,
            differs_from: item.differs_from.clone(),
        });
    }
}

/// The secrets that a push sets.
pub(crate) fn put_ids(items: &[Item]) -> Vec<SecretId> {
    let puts = items.iter().filter(|item| matches!(item.operation, Operation::Put(_)));
    puts.map(|item| item.secret).collect()
}

//! Who may write what: every check that an entry must pass before it changes the state.

use std::collections::BTreeSet;

use borsh::BorshSerialize;

use super::{
    entry::{
        Action, Admit, Body, Environment, Genesis, Invite, Item, Operation, Push, Share,
        SignedEntry, VersionRef,
    },
    membership::{How, Member, Role, Scope},
    state::{InvitationState, State, put_ids},
};
use crate::{
    crypto::Signature,
    encoding::{
        DeliveriesRoot, EntryHash, EnvironmentId, Header, MemberId, PersonId, WorkspaceId, encode,
        tag,
    },
    error::{Error, ErrorCode, Result},
    identity::{Kind, Recipient},
    invitation, weakened,
    workspace_key::SealedLabel,
};

/// Most members that a workspace ever has.
pub const MAX_MEMBERS: usize = 4096;

pub(super) fn ensure(holds: bool, why: &'static str) -> Result<()> {
    if holds { Ok(()) } else { Err(Error::new(ErrorCode::RefusedEntry, why)) }
}

/// Genesis stands alone, signs for its own founder, and names no workspace.
pub(super) fn check_genesis(signed: &SignedEntry) -> Result<&Genesis> {
    let entry = signed.entry();
    let Body::Genesis(genesis) = &entry.body else {
        return Err(Error::new(ErrorCode::BrokenChain, "a log begins with Genesis"));
    };
    let zero =
        entry.workspace == WorkspaceId::ZERO && entry.prev == EntryHash::ZERO && entry.seq == 0;
    ensure(zero, "Genesis names a workspace or an entry before it")?;
    ensure(entry.author == genesis.founder.id(), "Genesis is not by its founder")?;
    ensure(
        genesis.name.generation == 0 && genesis.label.generation == 0,
        "a label is of another generation",
    )?;
    genesis.founder.verify()?;
    signed.verify(genesis.founder.verifying_key())?;
    Ok(genesis)
}

/// Chain, author, signature, and the rules of the kind.
pub(super) fn check(state: &State, signed: &SignedEntry) -> Result<()> {
    let entry = signed.entry();
    let head = state.head();
    let follows = entry.workspace == state.workspace()
        && entry.prev == head.hash
        && Some(entry.seq) == head.seq.checked_add(1);
    if !follows && !weakened::skips_any(&[15, 16, 17, 25]) {
        return Err(Error::new(
            ErrorCode::BrokenChain,
            format!("entry {} does not follow entry {}", entry.seq, head.seq),
        ));
    }
    let author = state.members().get(&entry.author);
    let author = author.filter(|author| author.is_active() || weakened::skips(31));
    let author =
        author.ok_or_else(|| Error::new(ErrorCode::RefusedEntry, "the author is no member now"))?;
    if !weakened::skips_any(&[10, 27]) {
        signed.verify(author.verifying_key())?;
    }
    let rules = Rules { state, id: &entry.author, author };
    match &entry.body {
        Body::Genesis(_) => ensure(false, "a log has one Genesis"),
        Body::Environment(environment) => rules.environment(environment),
        Body::Invite(invite) => rules.invite(invite),
        Body::Uninvite(uninvite) => rules.uninvite(&uninvite.invite),
        Body::Admit(admit) => rules.admit(admit),
        Body::Change(change) => rules.change(change),
        Body::Remove(remove) => rules.remove(remove),
        Body::Leave => rules.leave(),
        Body::Rekey(rekey) => rules.rekey(rekey),
        Body::Push(push) => rules.push(push, entry.seq),
        Body::Share(share) => rules.share(share),
        Body::Policy(_) => ensure(author.role() == Role::Owner, "only an owner decides the policy"),
    }
}

/// Whether the author of an invitation could write it now: it dies with its author's rights.
pub(super) fn author_could_invite(state: &State, invitation: &InvitationState) -> bool {
    let author = state.active(&invitation.author);
    author.is_some_and(|author| may_grant(author, invitation.invite.role, &invitation.invite.scope))
}

pub(super) fn may_grant(author: &Member, role: Role, scope: &Scope) -> bool {
    let rank = author.role().rules_over(role) || weakened::skips(26);
    rank && scope.is_canonical() && scope.within(author.scope())
}

pub(super) struct Rules<'a> {
    pub(super) state: &'a State,
    pub(super) id: &'a MemberId,
    pub(super) author: &'a Member,
}

impl Rules<'_> {
    fn environment(&self, change: &Environment) -> Result<()> {
        ensure(self.author.role() >= Role::Admin, "only admins change environments")?;
        self.label(&change.label)?;
        let known = self.state.environments().get(&change.id);
        match change.action {
            Action::Create => {
                ensure(known.is_none(), "an environment of this id exists")?;
                ensure(
                    *self.author.scope() == Scope::All,
                    "a new environment lies outside of the author's scope",
                )
            }
            Action::Rename | Action::Archive => {
                ensure(
                    known.is_some_and(|environment| !environment.archived),
                    "no such environment",
                )?;
                ensure(
                    self.author.scope().holds_environment(&change.id),
                    "the environment lies outside of the author's scope",
                )
            }
        }
    }

    fn invite(&self, invite: &Invite) -> Result<()> {
        ensure(
            may_grant(self.author, invite.role, &invite.scope),
            "the invitation gives more than its author may",
        )?;
        self.scope_is_known(&invite.scope)
    }

    fn uninvite(&self, invite: &EntryHash) -> Result<()> {
        let invitation = self.state.invitations().get(invite).filter(|invitation| invitation.open);
        let invitation = invitation
            .ok_or_else(|| Error::new(ErrorCode::RefusedEntry, "no such open invitation"))?;
        let own = invitation.author == *self.id;
        ensure(
            own || self.author.role().rules_over(invitation.invite.role),
            "the invitation is of a rank beyond the author's",
        )
    }

    fn admit(&self, admit: &Admit) -> Result<()> {
        ensure(
            may_grant(self.author, admit.role, &admit.scope),
            "the admission gives more than its author may",
        )?;
        ensure(self.state.members().len() < MAX_MEMBERS, "a workspace has at most 4,096 members")?;
        ensure(
            admit.grant.is_some() != admit.scope.is_blind(),
            "a grant goes to exactly those who are not blind",
        )?;
        self.scope_is_known(&admit.scope)?;
        self.label(&admit.label)?;
        self.recipient_is_new(&admit.recipient)?;
        self.person(admit)?;
        self.how(admit)
    }

    fn recipient_is_new(&self, recipient: &Recipient) -> Result<()> {
        recipient.verify()?;
        ensure(
            !self.state.knows_key_of(recipient) || weakened::skips(31),
            "a key that was admitted before is not admitted again",
        )
    }

    fn person(&self, admit: &Admit) -> Result<()> {
        let used = self.state.members().values().any(|member| member.person == admit.person);
        let Some((device, signature)) = &admit.person_proof else {
            return ensure(!used, "the person exists and did not vouch for the device");
        };
        let device = self
            .state
            .active(device)
            .filter(|device| device.person == admit.person && device.kind() == Kind::Human);
        let device = device.ok_or_else(|| {
            Error::new(ErrorCode::RefusedEntry, "who vouches is no device of the person")
        })?;
        let data = person_proof(
            self.state.workspace(),
            admit.person,
            &admit.recipient,
            admit.role,
            &admit.scope,
        );
        device.verifying_key().verify(&data, signature)
    }

    fn how(&self, admit: &Admit) -> Result<()> {
        match (&admit.how, &admit.proof) {
            (How::Invitation(id), Some(proof)) => self.by_invitation(admit, id, proof),
            (How::OutOfBand, None) => Ok(()),
            (How::FirstUse, None) => {
                let allowed = self.state.policy().first_use || weakened::skips(3);
                ensure(allowed, "the policy forbids admission on first sight")
            }
            _ => ensure(false, "an admission has a proof exactly where it is by invitation"),
        }
    }

    fn by_invitation(&self, admit: &Admit, id: &EntryHash, proof: &Signature) -> Result<()> {
        let open = self.state.open_invitation(id);
        let open = open.ok_or_else(|| {
            Error::new(
                ErrorCode::RefusedEntry,
                "the invitation is used, withdrawn or its author's rights ended",
            )
        })?;
        let within = admit.role <= open.invite.role && admit.scope.within(&open.invite.scope);
        ensure(within, "the admission gives more than the invitation")?;
        if weakened::skips_any(&[1, 2]) {
            return Ok(());
        }
        invitation::verify_proof(
            &open.invite.key,
            &self.state.workspace(),
            id,
            &open.author,
            &admit.recipient,
            proof,
        )
    }

    fn push(&self, push: &Push, seq: u64) -> Result<()> {
        ensure(self.author.role() >= Role::Writer, "readers do not push")?;
        self.environment_is_open(&push.environment)?;
        let ids: BTreeSet<_> = push.items.iter().map(|item| item.secret).collect();
        ensure(
            !push.items.is_empty() && ids.len() == push.items.len(),
            "a push changes at least one secret, each once",
        )?;
        push.items.iter().try_for_each(|item| self.item(&push.environment, item))?;
        self.strays(&push.strays)?;
        let puts = put_ids(&push.items);
        let somebody = self.state.recipients_before(seq, &push.environment, &puts).next().is_some();
        ensure(
            somebody != (push.root == DeliveriesRoot::ZERO),
            "the deliveries' root does not fit who receives",
        )
    }

    fn item(&self, environment: &EnvironmentId, item: &Item) -> Result<()> {
        match (&item.create, self.state.secrets().get(&item.secret)) {
            (Some(create), None) => {
                ensure(
                    self.author.scope().holds_environment(environment),
                    "the author may only add versions",
                )?;
                self.label(&create.name)?;
                ensure(
                    item.version == 1 && matches!(item.operation, Operation::Put(_)),
                    "a secret begins with a value, version 1",
                )?;
            }
            (None, Some(secret)) => {
                ensure(secret.environment == *environment, "the secret is of another environment")?;
                ensure(
                    self.author.scope().holds(environment, &item.secret),
                    "the secret lies outside of the author's scope",
                )?;
                ensure(
                    item.version == secret.versions.len() as u64 + 1,
                    "a version does not follow the one before it",
                )?;
            }
            _ => ensure(false, "a secret is created exactly once")?,
        }
        let policy = item.policy.is_none()
            || (self.author.role() >= Role::Admin && item.operation != Operation::Delete)
            || weakened::skips(50);
        ensure(policy, "only admins change a secret's policy, with a value")?;
        ensure(
            item.differs_from.iter().all(|version| self.version_exists(version)),
            "a version to differ from does not exist",
        )
    }

    fn share(&self, share: &Share) -> Result<()> {
        ensure(self.author.role() >= Role::Writer, "readers do not share")?;
        ensure(self.state.environments().contains_key(&share.environment), "no such environment")?;
        let sorted = share.versions.is_sorted_by(|a, b| a < b)
            && share.recipients.is_sorted_by(|a, b| a < b);
        ensure(
            sorted && !share.versions.is_empty() && !share.recipients.is_empty(),
            "a share lists versions and recipients in order",
        )?;
        let fits = |version: &VersionRef| self.shareable(&share.environment, version);
        ensure(
            share.versions.iter().all(fits),
            "a shared version is no value in the author's scope",
        )?;
        ensure(
            share.recipients.iter().all(|id| self.may_receive(share, id)),
            "a share's recipient is outside of its scope",
        )?;
        let pairs = share
            .differs
            .iter()
            .all(|(new, old)| self.version_exists(new) && self.version_exists(old));
        ensure(pairs, "a version to differ from does not exist")?;
        self.strays(&share.strays)?;
        ensure(share.root != DeliveriesRoot::ZERO, "the deliveries' root does not fit who receives")
    }

    fn shareable(&self, environment: &EnvironmentId, version: &VersionRef) -> bool {
        let secret = self
            .state
            .secrets()
            .get(&version.secret)
            .filter(|secret| secret.environment == *environment);
        let found = secret.and_then(|secret| secret.version(version.version));
        found.is_some_and(|found| matches!(found.operation, Operation::Put(_)))
            && self.author.scope().holds(environment, &version.secret)
    }

    fn may_receive(&self, share: &Share, id: &MemberId) -> bool {
        self.state.active(id).is_some_and(|member| {
            let holds = |secret| member.scope().holds(&share.environment, secret);
            share.versions.iter().all(|version| holds(&version.secret)) || weakened::skips(28)
        })
    }

    fn strays(&self, strays: &[super::entry::Stray]) -> Result<()> {
        let known = |stray: &super::entry::Stray| self.state.members().contains_key(&stray.member);
        ensure(strays.iter().all(known), "a stray names nobody")
    }

    fn version_exists(&self, version: &VersionRef) -> bool {
        self.state
            .secrets()
            .get(&version.secret)
            .is_some_and(|secret| secret.version(version.version).is_some())
    }

    fn environment_is_open(&self, id: &EnvironmentId) -> Result<()> {
        let open =
            self.state.environments().get(id).is_some_and(|environment| !environment.archived);
        ensure(open, "no such environment, or it is archived")
    }

    pub(super) fn scope_is_known(&self, scope: &Scope) -> Result<()> {
        let Scope::Only(items) = scope else { return Ok(()) };
        let known = items.iter().all(|item| {
            let secrets = item.secrets.iter().flatten();
            let of_it = |secret| {
                self.state.secrets().get(secret).is_some_and(|s| s.environment == item.environment)
            };
            self.state.environments().contains_key(&item.environment) && secrets.clone().all(of_it)
        });
        ensure(known, "a scope names what does not exist")
    }

    fn label(&self, label: &SealedLabel) -> Result<()> {
        ensure(
            label.generation == self.state.generation(),
            "a label is of another generation than the current one",
        )
    }
}

#[derive(BorshSerialize)]
struct PersonProof<'a> {
    header: Header<{ tag::PERSON_PROOF }>,
    workspace: WorkspaceId,
    person: PersonId,
    recipient: &'a Recipient,
    role: Role,
    scope: &'a Scope,
}

/// What a person's older device signs to vouch for a newer one.
pub fn person_proof(
    workspace: WorkspaceId,
    person: PersonId,
    recipient: &Recipient,
    role: Role,
    scope: &Scope,
) -> Vec<u8> {
    encode(&PersonProof { header: Header, workspace, person, recipient, role, scope })
}

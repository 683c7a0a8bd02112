//! Rules of the entries that change or end memberships, and of Rekey.

use super::{
    entry::{Change, Rekey, Remove, Removed},
    membership::{Member, Role},
    rules::{Rules, ensure, may_grant},
};
use crate::{
    encoding::{DeliveriesRoot, MemberId},
    error::{Error, ErrorCode, Result},
    identity::Kind,
    weakened,
};

impl Rules<'_> {
    pub(super) fn change(&self, change: &Change) -> Result<()> {
        let member = self.active(&change.member)?;
        ensure(
            self.author.role().rules_over(member.role())
                && may_grant(self.author, change.role, &change.scope),
            "the change is beyond the author's rank or scope",
        )?;
        let same = member.role() == change.role && *member.scope() == change.scope;
        ensure(!same, "the change changes nothing")?;
        ensure(
            change.role == Role::Owner || self.leaves_an_owner(&[change.member]),
            "the last owner stays owner",
        )?;
        ensure(
            change.grant.is_some() == (member.scope().is_blind() && !change.scope.is_blind()),
            "a grant goes to exactly those who were blind and no longer are",
        )?;
        self.scope_is_known(&change.scope)
    }

    pub(super) fn remove(&self, remove: &Remove) -> Result<()> {
        ensure(is_canonical(&remove.who), "a removal lists whom it removes in order")?;
        let removed = self.state.removed_by(remove);
        ensure(!removed.is_empty(), "a removal removes somebody")?;
        if let Removed::Persons(persons) = &remove.who {
            let active = |id: &MemberId| self.state.active(id).map(|member| member.person);
            let found = |person| removed.iter().any(|id| active(id) == Some(person));
            ensure(persons.iter().all(|person| found(*person)), "a person is no member")?;
        }
        removed.iter().try_for_each(|id| self.may_remove(id))?;
        ensure(self.leaves_an_owner(&removed), "the last owner is not removed")
    }

    fn may_remove(&self, id: &MemberId) -> Result<()> {
        let member = self.active(id)?;
        let own_device = self.author.kind() == Kind::Human && self.author.person == member.person;
        ensure(id != self.id, "nobody removes the device that signs; it leaves")?;
        ensure(
            own_device || self.author.role().rules_over(member.role()),
            "the removal is beyond the author's rank",
        )
    }

    pub(super) fn leave(&self) -> Result<()> {
        ensure(self.leaves_an_owner(&[*self.id]), "the last owner does not leave")
    }

    pub(super) fn rekey(&self, rekey: &Rekey) -> Result<()> {
        ensure(self.author.role() >= Role::Admin, "only admins begin a generation")?;
        ensure(!self.author.scope().is_blind(), "the author holds no workspace key")?;
        let next = self.state.generation().checked_add(1) == Some(rekey.generation);
        ensure(next, "a generation does not follow the one before it")?;
        ensure(
            !self.state.key_commitments().contains(&rekey.commitment),
            "a generation repeats an older one",
        )?;
        ensure(rekey.root != DeliveriesRoot::ZERO, "the grants' root does not fit who receives")
    }

    fn active(&self, id: &MemberId) -> Result<&Member> {
        let member = self.state.active(id);
        member.ok_or_else(|| {
            Error::new(ErrorCode::RefusedEntry, "it concerns nobody who is a member")
        })
    }

    /// Whether an owner is left without these.
    fn leaves_an_owner(&self, without: &[MemberId]) -> bool {
        let mut owners = self
            .state
            .members()
            .iter()
            .filter(|(_, member)| member.is_active() && member.role() == Role::Owner);
        owners.any(|(id, _)| !without.contains(id)) || weakened::skips(26)
    }
}

fn is_canonical(who: &Removed) -> bool {
    match who {
        Removed::Persons(persons) => persons.is_sorted_by(|a, b| a < b),
        Removed::Members(members) => members.is_sorted_by(|a, b| a < b),
    }
}

//! Who is in the workspace, with which role and scope, since when.

use std::fmt;

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{
    crypto::VerifyingKey,
    encoding::{EntryHash, EnvironmentId, MemberId, PersonId, SealedHash, SecretId},
    identity::{Kind, Recipient},
    weakened,
    workspace_key::SealedLabel,
};

/// Rank of a member; each may what the ones before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
#[borsh(use_discriminant = true)]
#[repr(u8)]
pub enum Role {
    /// Receives values.
    Reader = 0,
    /// Changes values.
    Writer = 1,
    /// Admits members, makes environments.
    Admin = 2,
    /// Decides the policy, makes admins.
    Owner = 3,
}

impl Role {
    /// All roles, lowest first.
    pub const ALL: [Self; 4] = [Self::Reader, Self::Writer, Self::Admin, Self::Owner];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reader => "reader",
            Self::Writer => "writer",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }

    /// The role of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }

    /// Whether it may act on, and grant, `other`: an owner anything, others what is strictly lower.
    pub fn rules_over(self, other: Self) -> bool {
        self == Self::Owner || (self >= Self::Admin && other < self)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which secrets a member receives and may change.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum Scope {
    /// Every environment, also those to come.
    All,
    /// The environments of a sorted list without repetition.
    Only(Vec<ScopeItem>),
}

/// One environment of a scope.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, BorshSerialize, BorshDeserialize)]
pub struct ScopeItem {
    /// The environment.
    pub environment: EnvironmentId,
    /// Single secrets of it, sorted, at least one; or all of it.
    pub secrets: Option<Vec<SecretId>>,
}

impl Scope {
    /// A scope in canonical order; items of one environment are joined.
    pub fn only(items: impl IntoIterator<Item = ScopeItem>) -> Self {
        let mut joined = std::collections::BTreeMap::<EnvironmentId, Option<Vec<SecretId>>>::new();
        for ScopeItem { environment, secrets } in items {
            let slot = joined.entry(environment).or_insert_with(|| Some(Vec::new()));
            *slot = slot.take().zip(secrets).map(|(mut held, more)| {
                held.extend(more);
                held.sort_unstable();
                held.dedup();
                held
            });
        }
        Self::Only(
            joined
                .into_iter()
                .map(|(environment, secrets)| ScopeItem { environment, secrets })
                .collect(),
        )
    }

    /// Whether the whole environment lies inside.
    pub fn holds_environment(&self, environment: &EnvironmentId) -> bool {
        match self {
            Self::All => true,
            Self::Only(_) => self.item(environment).is_some_and(|item| item.secrets.is_none()),
        }
    }

    /// Whether a secret of an environment lies inside.
    pub fn holds(&self, environment: &EnvironmentId, secret: &SecretId) -> bool {
        match self {
            Self::All => true,
            Self::Only(_) => self.item(environment).is_some_and(|item| {
                item.secrets.as_ref().is_none_or(|secrets| secrets.binary_search(secret).is_ok())
            }),
        }
    }

    /// Whether any secret of an environment may lie inside.
    pub fn touches(&self, environment: &EnvironmentId) -> bool {
        matches!(self, Self::All) || self.item(environment).is_some()
    }

    /// Whether everything inside lies inside `other` too.
    pub fn within(&self, other: &Self) -> bool {
        match (self, other) {
            (_, Self::All) => true,
            (Self::All, Self::Only(_)) => false,
            (Self::Only(items), _) => items.iter().all(|item| match &item.secrets {
                None => other.holds_environment(&item.environment),
                Some(secrets) => {
                    secrets.iter().all(|secret| other.holds(&item.environment, secret))
                }
            }),
        }
    }

    /// Whether it names single secrets only: such a member gets no workspace key.
    pub fn is_blind(&self) -> bool {
        match self {
            Self::All => false,
            Self::Only(items) => items.iter().all(|item| item.secrets.is_some()),
        }
    }

    /// Whether the lists are sorted, without repetition, and not empty.
    pub fn is_canonical(&self) -> bool {
        let Self::Only(items) = self else { return true };
        let sorted = items.is_sorted_by(|a, b| a.environment < b.environment);
        let secrets_sorted = items.iter().filter_map(|item| item.secrets.as_ref());
        sorted
            && !items.is_empty()
            && secrets_sorted.clone().all(|s| !s.is_empty() && s.is_sorted_by(|a, b| a < b))
    }

    fn item(&self, environment: &EnvironmentId) -> Option<&ScopeItem> {
        let Self::Only(items) = self else { return None };
        let index = items.binary_search_by(|item| item.environment.cmp(environment)).ok()?;
        items.get(index)
    }
}

/// Why a key is believed to be the person's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub enum How {
    /// Founder of the workspace.
    Founder,
    /// Held the token of the invitation of this entry.
    Invitation(EntryHash),
    /// Its recipient string or safety number came by another way than the relay.
    OutOfBand,
    /// On first sight, which the policy has to allow.
    FirstUse,
}

/// A role and a scope from an entry on.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Span {
    /// Number of the entry that began it; it holds for entries after that one.
    pub since: u64,
    /// Role in the span.
    pub role: Role,
    /// Scope in the span.
    pub scope: Scope,
}

/// A grant as the log knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Granted {
    /// Number of the entry that delivered it.
    pub seq: u64,
    /// Who wrapped it.
    pub from: MemberId,
    /// Hash of the wrapped bytes.
    pub hash: SealedHash,
}

/// An identity that the log has admitted.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Member {
    /// Public half.
    pub recipient: Recipient,
    /// Whose device it is.
    pub person: PersonId,
    /// Roles and scopes, oldest first; at least one.
    pub spans: Vec<Span>,
    /// Number of the entry that ended membership.
    pub ended: Option<u64>,
    /// Who admitted it; itself for the founder.
    pub admitted_by: MemberId,
    /// Why its key is believed.
    pub how: How,
    /// The grant that handed it the workspace key; none for the founder and the blind.
    pub grant: Option<Granted>,
    /// Its label, under the workspace key.
    pub label: SealedLabel,
}

impl Member {
    /// Whether it is a member now.
    pub fn is_active(&self) -> bool {
        self.ended.is_none()
    }

    /// Role now.
    pub fn role(&self) -> Role {
        self.spans.last().map_or(Role::Reader, |span| span.role)
    }

    /// Scope now.
    pub fn scope(&self) -> &Scope {
        const NOTHING: &Scope = &Scope::Only(Vec::new());
        self.spans.last().map_or(NOTHING, |span| &span.scope)
    }

    /// Scope in force just before entry `seq`; `None` where it was no member then.
    pub fn scope_before(&self, seq: u64) -> Option<&Scope> {
        let over = self.ended.is_some_and(|ended| ended < seq) && !weakened::skips(29);
        let span = self.spans.iter().rev().find(|span| span.since < seq)?;
        (!over).then_some(&span.scope)
    }

    /// Whether it was in scope of a secret just before entry `seq`.
    pub fn received(&self, seq: u64, environment: &EnvironmentId, secret: &SecretId) -> bool {
        self.scope_before(seq).is_some_and(|scope| scope.holds(environment, secret))
    }

    /// Whether it may read a secret now.
    pub fn reads(&self, environment: &EnvironmentId, secret: &SecretId) -> bool {
        self.is_active() && self.scope().holds(environment, secret)
    }

    /// Whether it holds the workspace key by right now.
    pub fn holds_key(&self) -> bool {
        self.is_active() && !self.scope().is_blind()
    }

    /// Number of the entry that admitted it.
    pub fn admitted(&self) -> u64 {
        self.spans.first().map_or(0, |span| span.since)
    }

    /// Verifies what it signs.
    pub fn verifying_key(&self) -> &VerifyingKey {
        self.recipient.verifying_key()
    }

    /// What stands behind it.
    pub fn kind(&self) -> Kind {
        self.recipient.kind()
    }
}

#[cfg(test)]
mod tests;

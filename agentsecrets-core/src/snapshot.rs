//! What the vault holds of one environment: values with their salts, and changes not yet pushed.

mod named;

use borsh::{BorshDeserialize, BorshSerialize};

pub use named::{HasName, Named};

use crate::{
    encoding::{BatchId, Commitment, EnvironmentId, Head, MemberId, SecretId, WorkspaceId},
    error::{Error, ErrorCode, Result},
    name::SecretName,
    parcel::{ParcelItem, Salt},
    secret::SecretBytes,
    secret_policy::SecretPolicy,
};

/// How many versions of a secret the vault keeps.
pub const KEPT_VERSIONS: usize = 10;

/// One environment as the vault holds it; stored and replaced as a whole.
#[derive(Debug, BorshSerialize, BorshDeserialize)]
pub struct Snapshot {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The environment.
    pub environment: EnvironmentId,
    /// Its label when last pulled.
    pub label: String,
    /// The head up to which values are complete; `None` before the first pull.
    pub head: Option<Head>,
    /// When that was, by this device's clock, in milliseconds since 1970.
    pub synced_at: u64,
    /// Secrets by their ids.
    pub secrets: Named<Held>,
    /// Secrets that count for nothing, because an older one has their name.
    pub shadowed: Vec<SecretId>,
    /// Changes made here and not pushed, at most one of each name.
    pub local: Named<Local>,
    /// Values that left this device in pushes that were refused, while they wait to be pushed.
    pub left: Vec<Left>,
    /// Sealed bytes that were about to leave this device, until the log holds their entry.
    pub attempts: Vec<Attempt>,
}

/// A secret with the versions that the vault keeps.
#[derive(Debug, BorshSerialize, BorshDeserialize)]
pub struct Held {
    /// The secret.
    pub id: SecretId,
    /// Its name.
    pub name: SecretName,
    /// Salt of the name's commitment.
    pub name_salt: Salt,
    /// Its policy.
    pub policy: Vec<u8>,
    /// Salt of the policy's commitment.
    pub policy_salt: Salt,
    /// Versions, oldest first; at least one, at most ten.
    pub versions: Vec<HeldVersion>,
    /// Values that were set here and given up in favour of somebody else's.
    pub given_up: Vec<GivenUp>,
}

/// One version in the vault.
#[derive(Debug, BorshSerialize, BorshDeserialize)]
pub struct HeldVersion {
    /// Its number.
    pub version: u64,
    /// Who wrote it.
    pub author: MemberId,
    /// When, by the author's clock, in milliseconds since 1970.
    pub time: u64,
    /// The value; `None` for a deletion.
    pub value: Option<HeldValue>,
}

/// A value with what its commitment opens with.
#[derive(Debug, BorshSerialize, BorshDeserialize)]
pub struct HeldValue {
    /// Salt of the commitment.
    pub salt: Salt,
    /// The commitment that the log holds.
    pub commitment: Commitment,
    /// The value.
    pub value: SecretBytes,
}

/// A value that was never pushed.
#[derive(Debug, BorshSerialize, BorshDeserialize)]
pub struct GivenUp {
    /// When it was given up, in milliseconds since 1970.
    pub time: u64,
    /// The value; `None` for a deletion.
    pub value: Option<SecretBytes>,
}

/// A change made here.
#[derive(Debug, BorshSerialize, BorshDeserialize)]
pub struct Local {
    /// Name of the secret.
    pub name: SecretName,
    /// The version that it was made on; `None` where it creates the secret.
    pub base: Option<(SecretId, u64)>,
    /// When, in milliseconds since 1970.
    pub time: u64,
    /// The new value; `None` for a deletion.
    pub value: Option<SecretBytes>,
}

/// A value that was sealed in a push that was refused, and to whom: it counts as received.
#[derive(Debug, BorshSerialize, BorshDeserialize)]
pub struct Left {
    /// Name of the secret.
    pub name: SecretName,
    /// The value.
    pub value: SecretBytes,
    /// Whom it was sealed to.
    pub members: Vec<MemberId>,
}

/// A push that left, or was about to leave, this device; kept until the log tells what became of
/// it, so that a crash after an accepted push loses nothing and needs no download.
#[derive(Debug, BorshSerialize, BorshDeserialize)]
pub struct Attempt {
    /// Number that its entry would have.
    pub seq: u64,
    /// Its batch.
    pub batch: BatchId,
    /// Time of its entry, in milliseconds since 1970.
    pub time: u64,
    /// Whom values were sealed to.
    pub recipients: Vec<MemberId>,
    /// Values that were sealed, with their commitments.
    pub puts: Vec<(ParcelItem, Commitment)>,
    /// Secrets that were deleted, with the number of the deletion.
    pub deletions: Vec<(SecretId, u64)>,
}

impl Snapshot {
    /// Of an environment that was never pulled.
    pub fn empty(workspace: WorkspaceId, environment: EnvironmentId) -> Self {
        Self {
            workspace,
            environment,
            label: String::new(),
            head: None,
            synced_at: 0,
            secrets: Named::default(),
            shadowed: Vec::new(),
            local: Named::default(),
            left: Vec::new(),
            attempts: Vec::new(),
        }
    }

    /// A secret by its id.
    pub fn held(&self, id: &SecretId) -> Option<&Held> {
        self.secrets.of(id)
    }

    /// The live secret of a name.
    pub fn by_name(&self, name: &SecretName) -> Option<&Held> {
        let mut live = self.secrets.named(name).filter(|held| held.live_value().is_some());
        live.find(|held| !self.shadowed.contains(&held.id))
    }

    /// The change of a name that was not pushed.
    pub fn local(&self, name: &SecretName) -> Option<&Local> {
        self.local.named(name).next()
    }

    /// The value of a name as a program here sees it: changes not yet pushed win.
    pub fn value(&self, name: &SecretName) -> Option<&SecretBytes> {
        match self.local(name) {
            Some(local) => local.value.as_ref(),
            None => Some(&self.by_name(name)?.live_value()?.value),
        }
    }

    /// The policy of a name; `None` where it has none.
    ///
    /// # Errors
    /// `malformed_policy` where it is of a newer kind than this library knows.
    pub fn policy(&self, name: &SecretName) -> Result<Option<SecretPolicy>> {
        let held = self.by_name(name).map(|held| held.policy.as_slice());
        SecretPolicy::parse(held.unwrap_or_default())
    }

    /// All names that have a value here, sorted.
    pub fn names(&self) -> Vec<&SecretName> {
        let held = self.secrets.iter().map(|held| &held.name);
        let mut names: Vec<_> = held.chain(self.local.iter().map(|local| &local.name)).collect();
        names.sort_unstable();
        names.dedup();
        names.retain(|name| self.value(name).is_some());
        names
    }

    /// Records a change made here, on top of the version that the vault holds.
    ///
    /// # Errors
    /// `unknown_secret` for the deletion of what is not there; `invalid_name` where a live name
    /// differs in case alone.
    pub fn change(
        &mut self,
        name: SecretName,
        value: Option<SecretBytes>,
        time: u64,
    ) -> Result<()> {
        self.clash(&name)?;
        if value.is_none() && self.value(&name).is_none() {
            return Err(Error::new(ErrorCode::UnknownSecret, format!("there is no secret {name}")));
        }
        let base = match self.local(&name) {
            Some(local) => local.base,
            None => self.base_of(&name),
        };
        match (base, &value) {
            (None, None) if !self.under_way(&name) => {
                self.local.retain(|local| local.name != name);
            }
            _ => self.local.put(Local { name, base, time, value }),
        }
        Ok(())
    }

    /// Whether a push whose outcome is not known carries a value of this name: taking it back has to wait.
    fn under_way(&self, name: &SecretName) -> bool {
        let mut sent = self.attempts.iter().flat_map(|attempt| &attempt.puts);
        sent.any(|(item, _)| item.name == *name)
    }

    /// Lets go of every version that `keeps` does not know, and of what nothing is left of.
    pub(crate) fn keep_versions(&mut self, keeps: impl Fn(&SecretId, &HeldVersion) -> bool) {
        for held in self.secrets.iter_mut() {
            let id = held.id;
            held.versions.retain(|version| keeps(&id, version));
        }
        self.secrets.retain(|held| !held.versions.is_empty());
        self.head = None;
    }

    /// Drops the changes of the names given, or of all.
    pub fn forget_local(&mut self, names: Option<&[SecretName]>) {
        self.local.retain(|local| names.is_some_and(|names| !names.contains(&local.name)));
    }

    /// The newest version that a change of this name would stand on: a deleted secret comes back.
    fn base_of(&self, name: &SecretName) -> Option<(SecretId, u64)> {
        let held = self.by_name(name).or_else(|| self.secrets.named(name).next_back())?;
        Some((held.id, held.versions.last()?.version))
    }

    fn clash(&self, name: &SecretName) -> Result<()> {
        let held = self.secrets.alike(name).map(|held| &held.name);
        let mut others = held.chain(self.local.alike(name).map(|local| &local.name));
        let other = others.find(|other| *other != name && self.value(other).is_some());
        other.map_or(Ok(()), |other| {
            Err(Error::new(
                ErrorCode::InvalidName,
                format!("{name} differs from {other} in case alone"),
            )
            .with_hint(format!("agentsecrets secrets set {other}")))
        })
    }

    /// Puts a version in; the oldest over ten goes.
    pub fn hold(&mut self, item: ParcelItem, author: MemberId, time: u64, commitment: Commitment) {
        let value = HeldValue { salt: item.salt, commitment, value: item.value };
        let version = HeldVersion { version: item.version, author, time, value: Some(value) };
        match self.secrets.of_mut(&item.secret) {
            Some(held) => {
                (held.policy, held.policy_salt) = (item.policy, item.policy_salt);
                held.add(version);
            }
            None => self.secrets.push(Held {
                id: item.secret,
                name: item.name,
                name_salt: item.name_salt,
                policy: item.policy,
                policy_salt: item.policy_salt,
                versions: vec![version],
                given_up: Vec::new(),
            }),
        }
    }

    /// Records that a secret held here was deleted.
    pub fn hold_deletion(&mut self, id: &SecretId, version: u64, author: MemberId, time: u64) {
        if let Some(held) = self.secrets.of_mut(id) {
            held.add(HeldVersion { version, author, time, value: None });
        }
    }
}

impl HasName for Held {
    fn name(&self) -> &SecretName {
        &self.name
    }

    fn id(&self) -> Option<SecretId> {
        Some(self.id)
    }
}

impl HasName for Local {
    fn name(&self) -> &SecretName {
        &self.name
    }
}

impl Held {
    /// The newest version that the vault holds.
    pub fn newest(&self) -> Option<&HeldVersion> {
        self.versions.last()
    }

    /// The value of the newest version, unless that is a deletion.
    pub fn live_value(&self) -> Option<&HeldValue> {
        self.newest()?.value.as_ref()
    }

    /// One version.
    pub fn version(&self, number: u64) -> Option<&HeldVersion> {
        self.versions.iter().find(|version| version.version == number)
    }

    /// The parcel item of a version's value.
    pub fn item(&self, version: u64) -> Option<ParcelItem> {
        let value = self.version(version)?.value.as_ref()?;
        Some(ParcelItem {
            secret: self.id,
            version,
            name: self.name.clone(),
            name_salt: self.name_salt,
            policy: self.policy.clone(),
            policy_salt: self.policy_salt,
            salt: value.salt,
            value: SecretBytes::copy_of(value.value.expose()),
        })
    }

    fn add(&mut self, version: HeldVersion) {
        self.versions.retain(|held| held.version != version.version);
        let place = self.versions.partition_point(|held| held.version < version.version);
        self.versions.insert(place, version);
        let surplus = self.versions.len().saturating_sub(KEPT_VERSIONS);
        self.versions.drain(..surplus);
    }
}

#[cfg(test)]
mod tests;

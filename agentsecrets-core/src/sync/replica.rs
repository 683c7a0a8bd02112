//! A workspace as this device holds it: settings, log, state. Loaded at the start of an operation.

use borsh::{BorshDeserialize, BorshSerialize};
use zeroize::Zeroizing;

use super::session::Session;
use crate::{
    encoding::{EntryHash, EnvironmentId, Head, MemberId, WorkspaceId, encode, parse},
    error::{Error, ErrorCode, Result},
    invitation::Token,
    log::{Member, Role, SignedEntry, State, entry::MAX_ENTRY},
    name::SecretName,
    secret::SecretBytes,
    snapshot::Snapshot,
    workspace_key::{SealedLabel, Subject, WorkspaceKey},
};

/// Entries in one stored piece of the log.
const SEGMENT: u64 = 256;

/// What this device knows of a workspace beside its log.
#[derive(Debug, BorshSerialize, BorshDeserialize)]
pub(super) struct Settings {
    /// The relay's address; empty for a local workspace.
    pub(super) relay: String,
    /// Heads that the log must contain: of the invitation, of the identity string; of the
    /// founding, until there is a pin.
    pub(super) anchors: Vec<Head>,
    /// The invitation that this device answered, until it is admitted.
    pub(super) joining: Option<Joining>,
    /// Tokens of invitations made here.
    pub(super) tokens: Vec<(EntryHash, Token)>,
    /// The workspace key, once it was handed over.
    pub(super) key: Option<WorkspaceKey>,
    /// How many histories this device has left for another one.
    pub(super) branches: u32,
}

/// An invitation answered and not yet confirmed.
#[derive(Debug, BorshSerialize, BorshDeserialize)]
pub(super) struct Joining {
    /// The Invite entry.
    pub(super) invite: EntryHash,
    /// When admins begin to refuse it, in milliseconds since 1970; 0 is never.
    pub(super) expires: u64,
    /// The reply in canonical form: a retry sends the same bytes.
    pub(super) reply: Vec<u8>,
}

/// Sealed parts of a local workspace by entry and recipient, kept until it gets a relay.
#[derive(Debug, Default, BorshSerialize, BorshDeserialize)]
pub(super) struct Unpublished {
    pub(super) deliveries: Vec<(u64, MemberId, Vec<Vec<u8>>)>,
}

/// A workspace, loaded.
pub(super) struct Replica {
    pub(super) id: WorkspaceId,
    pub(super) settings: Settings,
    pub(super) state: Option<State>,
}

/// The vault's keys of one workspace.
pub mod keys {
    use crate::encoding::{EnvironmentId, WorkspaceId};

    /// Relay, anchors, tokens, workspace key.
    pub fn settings(workspace: &WorkspaceId) -> String {
        format!("workspace/{workspace}/settings")
    }

    /// The folded state; its head is the pin.
    pub fn state(workspace: &WorkspaceId) -> String {
        format!("workspace/{workspace}/state")
    }

    /// A piece of the log.
    pub fn segment(workspace: &WorkspaceId, number: u64) -> String {
        format!("workspace/{workspace}/log/{number:08}")
    }

    /// Values of one environment.
    pub fn environment(workspace: &WorkspaceId, environment: &EnvironmentId) -> String {
        format!("workspace/{workspace}/environment/{environment}")
    }

    /// Acks of members, and what freshness is judged by.
    pub fn acks(workspace: &WorkspaceId) -> String {
        format!("workspace/{workspace}/acks")
    }

    /// What showed a fork, kept for people to look at.
    pub fn evidence(workspace: &WorkspaceId) -> String {
        format!("workspace/{workspace}/evidence")
    }

    /// A history that this device has left for another one.
    pub fn branch(workspace: &WorkspaceId, number: u32) -> String {
        format!("workspace/{workspace}/branch/{number:08}")
    }

    /// Deliveries of a local workspace.
    pub fn unpublished(workspace: &WorkspaceId) -> String {
        format!("workspace/{workspace}/unpublished")
    }
}

impl Replica {
    /// Loads a workspace.
    ///
    /// # Errors
    /// `no_workspace` where the vault knows nothing of it.
    pub(super) async fn load(session: &Session, id: WorkspaceId) -> Result<Self> {
        let settings: Option<Settings> = load(session, keys::settings(&id)).await?;
        let settings = settings.ok_or_else(|| {
            Error::new(ErrorCode::NoWorkspace, "this vault holds no such workspace")
        })?;
        let state = load(session, keys::state(&id)).await?;
        Ok(Self { id, settings, state })
    }

    pub(super) async fn store_settings(&self, session: &Session) -> Result<()> {
        store(session, keys::settings(&self.id), &self.settings).await
    }

    /// The state, which every member has after the first sync.
    pub(super) fn state(&self) -> Result<&State> {
        self.state.as_ref().ok_or_else(|| {
            Error::new(ErrorCode::NotAdmitted, "this device has not been admitted yet")
        })
    }

    /// This device as a member.
    pub(super) fn me(&self, session: &Session) -> Result<&Member> {
        let member = self.state()?.active(&session.identity.id());
        member.ok_or_else(|| {
            Error::new(ErrorCode::NotAdmitted, "this device is no member of the workspace")
        })
    }

    pub(super) fn key(&self) -> Result<&WorkspaceKey> {
        let missing = || {
            Error::new(
                ErrorCode::Forbidden,
                "this member is admitted to single secrets and has no workspace key",
            )
        };
        self.settings.key.as_ref().ok_or_else(missing)
    }

    pub(super) fn is_local(&self) -> bool {
        self.settings.relay.is_empty()
    }

    /// A label in clear; `None` where its generation is not held. Genesis' labels, written before
    /// the workspace had an id, stand under the zero id.
    pub(super) fn text(&self, subject: Subject, sealed: &SealedLabel) -> Option<String> {
        let key = self.settings.key.as_ref()?;
        let text = key.open_label(self.id, subject, sealed);
        let text = text.or_else(|| key.open_label(WorkspaceId::ZERO, subject, sealed))?;
        String::from_utf8(text).ok()
    }

    /// A label as it may go to a terminal: another member wrote it.
    pub(super) fn label(&self, subject: Subject, sealed: &SealedLabel) -> Option<String> {
        let shown = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
        Some(self.text(subject, sealed)?.chars().map(shown).collect())
    }

    /// An environment's label, where this device can read it.
    pub(super) fn environment_label(&self, id: EnvironmentId) -> Option<String> {
        let environment = self.state.as_ref()?.environments().get(&id)?;
        self.label(Subject::Environment(id), &environment.label)
    }

    /// Whether this device may change values of an environment at all.
    ///
    /// # Errors
    /// `forbidden`, `out_of_scope`, `unknown_environment`.
    pub(super) fn may_write(&self, session: &Session, environment: &EnvironmentId) -> Result<()> {
        let me = self.me(session)?;
        let known = self.state()?.environments().get(environment);
        if known.is_none_or(|environment| environment.archived) {
            return Err(Error::new(
                ErrorCode::UnknownEnvironment,
                "the environment does not exist or is archived",
            ));
        }
        if me.role() < Role::Writer {
            return Err(Error::new(ErrorCode::Forbidden, "a reader changes no values"));
        }
        match me.scope().touches(environment) {
            true => Ok(()),
            false => Err(Error::new(
                ErrorCode::OutOfScope,
                "the environment lies outside of this member's scope",
            )),
        }
    }

    /// Whether this device may change one value of an environment that it may write to: a member whose
    /// scope is single secrets gives those new versions, and creates none.
    ///
    /// # Errors
    /// `out_of_scope`, with the name.
    pub(super) fn may_change(
        &self,
        session: &Session,
        snapshot: &Snapshot,
        name: &SecretName,
    ) -> Result<()> {
        let scope = self.me(session)?.scope();
        let held = snapshot.by_name(name).map(|held| held.id);
        if scope.holds_environment(&snapshot.environment)
            || held.is_some_and(|id| scope.holds(&snapshot.environment, &id))
        {
            return Ok(());
        }
        let cause = format!("{name} lies outside of this member's scope, which is single secrets");
        Err(Error::new(ErrorCode::OutOfScope, cause))
    }

    /// Takes verified entries in: log first, then the state with its pin, so that a crash between
    /// the two leaves surplus entries, which the next load cuts off.
    pub(super) async fn advance(
        &mut self,
        session: &Session,
        state: State,
        entries: &[SignedEntry],
    ) -> Result<()> {
        let Some(first) = entries.first() else { return Ok(()) };
        let mut segment = first.entry().seq / SEGMENT;
        let mut held = self.segment(session, segment).await?;
        held.truncate((first.entry().seq % SEGMENT) as usize);
        for entry in entries {
            if entry.entry().seq / SEGMENT != segment {
                store(session, keys::segment(&self.id, segment), &held).await?;
                (segment, held) = (segment + 1, Vec::new());
            }
            held.push(entry.bytes().to_vec());
        }
        store(session, keys::segment(&self.id, segment), &held).await?;
        store(session, keys::state(&self.id), &state).await?;
        self.state = Some(state);
        Ok(())
    }

    /// All entries up to the pin.
    pub(super) async fn log(&self, session: &Session) -> Result<Vec<SignedEntry>> {
        self.log_from(session, 0).await
    }

    /// One entry up to the pin.
    pub(super) async fn entry(&self, session: &Session, seq: u64) -> Result<Option<SignedEntry>> {
        if seq > self.state()?.head().seq {
            return Ok(None);
        }
        let segment = self.segment(session, seq / SEGMENT).await?;
        let bytes = segment.get((seq % SEGMENT) as usize);
        bytes.map(|bytes| SignedEntry::parse(bytes)).transpose()
    }

    /// Entries from number `from`, or a little earlier, up to the pin.
    pub(super) async fn log_from(&self, session: &Session, from: u64) -> Result<Vec<SignedEntry>> {
        let count = self.state()?.head().seq + 1;
        let mut entries = Vec::new();
        for segment in (from.min(count) / SEGMENT)..count.div_ceil(SEGMENT) {
            let held = self.segment(session, segment).await?;
            let wanted = (count - segment * SEGMENT).min(SEGMENT) as usize;
            if held.len() < wanted {
                return Err(Error::new(
                    ErrorCode::VaultDamaged,
                    "the vault's log is shorter than its pin",
                ));
            }
            for bytes in &held[..wanted] {
                entries.push(SignedEntry::parse(bytes)?);
            }
        }
        Ok(entries)
    }

    async fn segment(&self, session: &Session, number: u64) -> Result<Vec<Vec<u8>>> {
        let segment: Option<Vec<Vec<u8>>> = load(session, keys::segment(&self.id, number)).await?;
        let segment = segment.unwrap_or_default();
        debug_assert!(segment.iter().all(|entry| entry.len() <= MAX_ENTRY));
        Ok(segment)
    }

    /// The snapshot of an environment, empty where nothing was pulled yet.
    pub(super) async fn snapshot(
        &self,
        session: &Session,
        environment: EnvironmentId,
    ) -> Result<Snapshot> {
        let held = load(session, keys::environment(&self.id, &environment)).await?;
        Ok(held.unwrap_or_else(|| Snapshot::empty(self.id, environment)))
    }

    pub(super) async fn store_snapshot(
        &self,
        session: &Session,
        snapshot: &Snapshot,
    ) -> Result<()> {
        store(session, keys::environment(&self.id, &snapshot.environment), snapshot).await
    }
}

pub(super) async fn load<T: BorshDeserialize + BorshSerialize>(
    session: &Session,
    key: String,
) -> Result<Option<T>> {
    let Some(bytes) = session.io.load(key).await? else { return Ok(None) };
    parse(bytes.expose(), ErrorCode::VaultDamaged, "vault's content").map(Some)
}

pub(super) async fn store<T: BorshSerialize>(
    session: &Session,
    key: String,
    value: &T,
) -> Result<()> {
    let bytes = Zeroizing::new(encode(value));
    session.io.store(key, SecretBytes::copy_of(&bytes)).await
}

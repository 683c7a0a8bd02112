//! A team on a lying relay.

use agentsecrets_core::{
    encoding::{EnvironmentId, WorkspaceId},
    identity::Kind,
    invitation::Invitation,
    log::{Role, Scope, ScopeItem},
    sync::{self, Offer},
};

use crate::{
    device::{Device, Dump},
    relay::LyingRelay,
};

/// Where secrets are.
pub type Place = (WorkspaceId, EnvironmentId);

/// A workspace with its founder.
pub struct Team {
    /// The relay.
    pub relay: LyingRelay,
    /// The workspace.
    pub workspace: WorkspaceId,
    /// Its owner, of seed 1.
    pub founder: Device,
}

impl Team {
    /// A founder with an empty workspace.
    pub fn new() -> Self {
        let (relay, founder) = (LyingRelay::start(), Device::new(1));
        let url = Some(relay.url());
        let create = |start| sync::create(start, "acme".into(), "laptop".into(), url);
        let workspace = founder.client.run(create).unwrap();
        Self { relay, workspace, founder }
    }

    /// A founder and a writer of everything, seed 2, and one value: `API_KEY` in `development`.
    pub fn pair() -> (Self, Device) {
        let team = Self::new();
        team.founder.put(team.development(), "API_KEY", "fake-one").unwrap();
        let writer = team.admit(2, Role::Writer, Scope::All);
        (team, writer)
    }

    /// The environment `development`.
    pub fn development(&self) -> Place {
        self.place("development")
    }

    /// The environment `staging`.
    pub fn staging(&self) -> Place {
        self.place("staging")
    }

    fn place(&self, label: &str) -> Place {
        (self.workspace, self.founder.view(self.workspace).environment(label).unwrap())
    }

    /// The founder's code for a newcomer.
    pub fn invite(&self, role: Role, scope: Scope) -> Invitation {
        let offer = Offer { role, scope, expires: 0 };
        self.founder.client.run(|start| sync::invite(start, self.workspace, offer)).unwrap()
    }

    /// A device that has answered an invitation and waits.
    pub fn applicant(&self, seed: u8, role: Role, scope: Scope) -> Device {
        let device = Device::with(seed, Kind::Human, &Dump::new());
        self.answer(&device, self.invite(role, scope));
        device
    }

    /// Answers an invitation.
    pub fn answer(&self, device: &Device, invitation: Invitation) {
        let label = format!("device-{}", device.seed());
        device.client.run(|start| sync::join(start, invitation, label)).unwrap();
    }

    /// Invites, replies, admits, pulls: as two people do.
    pub fn admit(&self, seed: u8, role: Role, scope: Scope) -> Device {
        let device = self.applicant(seed, role, scope);
        self.admit_replies().unwrap();
        device.pull(self.workspace).unwrap();
        device
    }

    /// The founder admits whoever replied.
    ///
    /// # Errors
    /// The operation's.
    pub fn admit_replies(&self) -> agentsecrets_core::Result<Vec<sync::Admitted>> {
        self.founder.client.run(|start| sync::admit_replies(start, self.workspace, false))
    }

    /// The id of a secret.
    pub fn secret(&self, place: Place, name: &str) -> agentsecrets_core::encoding::SecretId {
        let name = agentsecrets_core::name::SecretName::parse(name).unwrap();
        self.founder.snapshot(place).by_name(&name).unwrap().id
    }
}

impl Default for Team {
    fn default() -> Self {
        Self::new()
    }
}

/// One whole environment.
pub fn whole(place: Place) -> Scope {
    Scope::only([ScopeItem { environment: place.1, secrets: None }])
}

/// One secret.
pub fn single(place: Place, secret: agentsecrets_core::encoding::SecretId) -> Scope {
    Scope::only([ScopeItem { environment: place.1, secrets: Some(vec![secret]) }])
}

//! Whoever comes second builds its entry again on what came first, and gives up after eight times.

use agentsecrets_core::{
    ErrorCode,
    log::{
        Role, Scope,
        entry::{Reason, Remove, Removed},
        membership::How,
    },
    message::Request,
    secret_policy::{Access, SecretPolicy},
    sync::{self, Clashes, Machine, Management, Offer, Start},
};

use crate::{
    host::Host,
    team::{Team, code, device, name},
};

/// An owner, and an admin that is quicker.
struct Race {
    team: Team,
    owner: Host,
    rival: Host,
    made: u32,
}

impl Race {
    fn new() -> Self {
        let (team, mut owner) = Team::begin();
        team.put(&mut owner, "development", "A", "fake-1");
        let rival = team.admit(&mut owner, 9, Role::Admin, Scope::All);
        Self { team, owner, rival, made: 0 }
    }

    /// Runs an operation of the owner, before each of whose commits, up to `losses`, the rival's
    /// comes; also how often the owner tried.
    fn run<T>(
        &mut self,
        losses: u32,
        operation: impl FnOnce(Start) -> Machine<T>,
    ) -> (agentsecrets_core::Result<T>, u32) {
        let Self { team, owner, rival, made } = self;
        let mut tries = 0;
        let mut way = |request: Request| {
            if request.target == "/v1/workspaces/sync" {
                tries += 1;
                if tries <= losses {
                    *made += 1;
                    let change = Management::CreateEnvironment(format!("rival-{made}"));
                    team.run(rival, |s| sync::manage(s, team.workspace, change)).unwrap();
                }
            }
            team.carry(request)
        };
        let result = team.run_by(owner, &mut way, operation);
        (result, tries)
    }

    /// An operation that loses once succeeds on top; one that loses every time says so.
    fn judge<T: std::fmt::Debug>(&mut self, operation: impl Fn(Start) -> Machine<T>) {
        let before = self.team.head(&mut self.owner).seq;
        let (lost, tries) = self.run(u32::MAX, &operation);
        assert_eq!((code(lost), tries), (ErrorCode::Contended, 8));
        let log = self.team.kinds(&mut self.owner, before + 1);
        assert!(log.len() >= 7 && log.iter().all(|kind| *kind == "environment"), "{log:?}");
        let (done, tries) = self.run(1, &operation);
        done.unwrap();
        assert_eq!(tries, 2);
        let log = self.team.kinds(&mut self.owner, before + 1);
        assert_eq!(log[..9], ["environment"; 9]);
        assert!(log.len() > 9, "and its own entry on top");
    }
}

#[test]
fn memberships() {
    let mut race = Race::new();
    let workspace = race.team.workspace;
    let one = race.team.admit(&mut race.owner, 2, Role::Reader, Scope::All).identity.id();
    race.judge(|s| sync::change_member(s, workspace, one, Some(Role::Writer), None));
    let remove = Remove { who: Removed::Members(vec![one]), reason: Reason::Retired };
    race.judge(|s| sync::remove(s, workspace, remove.clone(), true));
    race.judge(|s| sync::rekey(s, workspace));
    let state = race.team.view(&mut race.owner);
    assert_eq!(state.state().unwrap().generation(), 2);
    let rival = race.rival.identity.id();
    let owner = |s| sync::change_member(s, workspace, rival, Some(Role::Owner), None);
    race.team.run(&mut race.owner, owner).unwrap();
    race.judge(|s| sync::leave(s, workspace));
}

#[test]
fn invitations_and_admissions() {
    let mut race = Race::new();
    let workspace = race.team.workspace;
    let offer = || Offer { role: Role::Reader, scope: Scope::All, expires: 0 };
    race.judge(|s| sync::invite(s, workspace, offer()));
    let by_string = sync::Newcomer {
        recipient: device(3).identity.recipient().clone(),
        role: Role::Reader,
        scope: Scope::All,
        label: "desk".into(),
        how: (How::OutOfBand, None),
    };
    race.judge(|s| sync::admit(s, workspace, by_string.clone()));
    let invitation = race.team.invite(&mut race.owner, Role::Reader, Scope::All).unwrap();
    let mut newcomer = device(4);
    race.team.run(&mut newcomer, |s| sync::join(s, invitation, "phone".into())).unwrap();
    race.judge(|s| sync::admit_replies(s, workspace, false));
    race.team.pull(&mut newcomer);
    assert_eq!(race.team.value(&mut newcomer, "development", "A").as_deref(), Some("fake-1"));
}

#[test]
fn values_policies_and_environments() {
    let mut race = Race::new();
    let workspace = race.team.workspace;
    let environment = race.team.environment(&mut race.owner, "development");
    race.judge(|s| sync::manage(s, workspace, Management::CreateEnvironment("mine".into())));
    race.owner.change(workspace, environment, "A", Some("fake-2")).unwrap();
    race.judge(|s| sync::push(s, workspace, environment, false));
    let policy = SecretPolicy::new(Access::UseOnly, true, false, Vec::new()).unwrap();
    let name = name("A");
    race.judge(|s| {
        sync::set_secret_policy(s, workspace, environment, name.clone(), Some(policy.clone()))
    });
    race.team.pull(&mut race.rival);
    let held = race.rival.snapshot(workspace, environment);
    assert_eq!(crate::host::value(&held, "A").as_deref(), Some("fake-2"));
    assert_eq!(held.policy(&name).unwrap(), Some(policy));
}

#[test]
fn a_sync_whose_shares_always_come_second_is_a_sync_all_the_same() {
    let mut race = Race::new();
    let workspace = race.team.workspace;
    let mut late = race.team.admit(&mut race.owner, 2, Role::Reader, Scope::All);
    race.team.put(&mut race.owner, "staging", "S", "fake-s");
    race.team.sync_without_deliveries(&mut late);
    let sync = |s| sync::sync(s, workspace, None, Clashes::Refuse);
    let (report, tries) = race.run(u32::MAX, sync);
    assert_eq!((report.unwrap().shared_with, tries), (Vec::new(), 8));
    let (report, tries) = race.run(1, sync);
    assert_eq!((report.unwrap().shared_with, tries), (vec![late.identity.id()], 2));
}

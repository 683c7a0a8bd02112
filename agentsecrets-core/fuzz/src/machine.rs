//! The step machine under arbitrary replies: a relay that lies, loses and delays, a store that
//! fails, a device that stops in the middle. What it may never do is panic, run for ever, move its
//! pin back, or be of no use to an honest relay afterwards.

use std::{cell::OnceCell, collections::BTreeMap, sync::Arc, time::Duration};

use agentsecrets_core::{
    Error, ErrorCode, Result,
    encoding::{EnvironmentId, WorkspaceId},
    identity::{Identity, Kind},
    invitation::Invitation,
    log::{Role, Scope},
    message::{Request, Response},
    name::SecretName,
    secret::{Key, SecretBytes},
    sync::{self, Answer, Clashes, Machine, Next, Offer, Start, Step},
};

use crate::{input::Input, relay::Relay};

/// No operation on so small a workspace takes more.
const STEPS: usize = 2_000;
const BEGIN: u64 = 1_767_225_600_000;

/// A device: identity, store, clock.
#[derive(Clone)]
pub(crate) struct Host {
    identity: Arc<Identity>,
    store: BTreeMap<String, Vec<u8>>,
    now: u64,
    draws: u64,
}

/// Two members, one of them with something new to push, and one who has asked to come in.
#[derive(Clone)]
struct Setting {
    relay: Relay,
    founder: Host,
    writer: Host,
    newcomer: Host,
    place: (WorkspaceId, EnvironmentId),
}

thread_local! {
    static SETTING: OnceCell<Setting> = const { OnceCell::new() };
}

fn setting() -> Setting {
    SETTING.with(|setting| setting.get_or_init(Setting::new).clone())
}

/// The first bytes choose who does what; each step then takes its answer from the rest.
pub fn machine(data: &[u8]) {
    let mut input = Input(data);
    let (mut setting, founder) = (setting(), input.flip());
    for _ in 0..3 {
        let before = setting.head(founder);
        setting.one(founder, &mut input);
        assert!(setting.head(founder) >= before, "the pin went back");
        if input.is_over() {
            break;
        }
    }
    setting.recovers();
}

impl Setting {
    fn new() -> Self {
        let (mut relay, mut founder, mut writer) = (Relay::default(), Host::new(1), Host::new(2));
        let url = Some("https://relay.invalid".to_owned());
        let create = |start| sync::create(start, "acme".into(), "laptop".into(), url);
        let workspace = founder.honest(&mut relay, create).expect("a workspace");
        let view = founder.honest(&mut relay, |start| sync::view(start, workspace));
        let environment = view.expect("a view").environment("development").expect("development");
        let place = (workspace, environment);
        founder.put(&mut relay, place, "API_KEY", "fake-one");
        let invitation = founder.invite(&mut relay, workspace);
        let join = |start| sync::join(start, invitation, "desk".into());
        writer.honest(&mut relay, join).expect("a reply");
        let admit = |start| sync::admit_replies(start, workspace, false);
        assert_eq!(founder.honest(&mut relay, admit).expect("an admission").len(), 1);
        writer.sync(&mut relay, workspace).expect("a first sync");
        let (invitation, mut newcomer) = (founder.invite(&mut relay, workspace), Host::new(3));
        let join = |start| sync::join(start, invitation, "tablet".into());
        newcomer.honest(&mut relay, join).expect("a reply");
        founder.put(&mut relay, place, "API_KEY", "fake-two");
        founder.put(&mut relay, place, "PORT", "8080");
        writer.change(&mut relay, place, "URL", "https://fake.invalid");
        founder.change(&mut relay, place, "TOKEN", "fake-three");
        Self { relay, founder, writer, newcomer, place }
    }

    fn host(&mut self, founder: bool) -> (&mut Host, &mut Relay) {
        (if founder { &mut self.founder } else { &mut self.writer }, &mut self.relay)
    }

    fn head(&mut self, founder: bool) -> u64 {
        let workspace = self.place.0;
        let (host, relay) = self.host(founder);
        let view = host.honest(relay, |start| sync::view(start, workspace)).expect("a view");
        view.state().expect("a state").head().seq
    }

    /// One operation, whose steps are answered by the input.
    fn one(&mut self, founder: bool, input: &mut Input<'_>) {
        let (workspace, environment) = self.place;
        let operation = input.below(10);
        let (host, relay) = self.host(founder);
        let start = host.start();
        let everything = Clashes::Refuse;
        match operation {
            0 => host.lied_to(sync::sync(start, workspace, None, everything), relay, input),
            1 => host.lied_to(sync::pull(start, workspace, None, everything), relay, input),
            2 => host.lied_to(sync::push(start, workspace, environment, false), relay, input),
            3 => host.lied_to(sync::follow_log(start, workspace, Duration::ZERO), relay, input),
            4 => host.lied_to(sync::await_news(start, workspace, Duration::ZERO), relay, input),
            5 => host.lied_to(sync::admit_replies(start, workspace, false), relay, input),
            6 => {
                let offer = Offer { role: Role::Reader, scope: Scope::All, expires: 0 };
                host.lied_to(sync::invite(start, workspace, offer), relay, input);
            }
            7 => host.lied_to(sync::rekey(start, workspace), relay, input),
            8 => host.lied_to(sync::repush(start, workspace), relay, input),
            _ => host.lied_to(sync::team(start, workspace), relay, input),
        }
    }

    /// With a relay that works again everybody gets everything.
    fn recovers(mut self) {
        let (workspace, environment) = self.place;
        for founder in [true, false] {
            let (host, relay) = self.host(founder);
            host.sync(relay, workspace).expect("an honest relay");
            host.honest(relay, |start| sync::push(start, workspace, environment, false))
                .expect("an honest relay");
        }
        let relay = &mut self.relay;
        let admit = |start| sync::admit_replies(start, workspace, true);
        self.founder.honest(relay, admit).expect("an honest relay");
        self.newcomer.sync(relay, workspace).expect("an honest relay");
        self.founder.sync(relay, workspace).expect("an honest relay");
        let state = relay.state();
        assert_eq!(self.head(true), state.head().seq);
        let snapshot = |start| sync::snapshot(start, workspace, environment);
        let held = self.founder.honest(&mut self.relay, snapshot).expect("a snapshot");
        for (name, value) in
            [("API_KEY", "fake-two"), ("URL", "https://fake.invalid"), ("TOKEN", "fake-three")]
        {
            let name = SecretName::parse(name).expect("a name");
            assert!(held.value(&name).is_some_and(|held| held.ct_eq(value.as_bytes())));
        }
    }
}

impl Host {
    fn new(seed: u8) -> Self {
        let identity = Arc::new(Identity::from_seed(Key::new([seed; 32]), Kind::Human));
        Self { identity, store: BTreeMap::new(), now: BEGIN, draws: u64::from(seed) << 32 }
    }

    fn start(&mut self) -> Start {
        self.draws += 1;
        self.now += 1;
        let mut entropy = [0; 32];
        entropy[..8].copy_from_slice(&self.draws.to_le_bytes());
        Start { identity: Arc::clone(&self.identity), now: self.now, entropy }
    }

    fn sync(&mut self, relay: &mut Relay, workspace: WorkspaceId) -> Result<()> {
        let sync = |start| sync::sync(start, workspace, None, Clashes::Refuse);
        self.honest(relay, sync)?.pulled.into_result().map(drop)
    }

    fn invite(&mut self, relay: &mut Relay, workspace: WorkspaceId) -> Invitation {
        let offer = Offer { role: Role::Writer, scope: Scope::All, expires: 0 };
        self.honest(relay, |start| sync::invite(start, workspace, offer)).expect("an invitation")
    }

    fn change(
        &mut self,
        relay: &mut Relay,
        (workspace, environment): (WorkspaceId, EnvironmentId),
        name: &str,
        value: &str,
    ) {
        let name = SecretName::parse(name).expect("a name");
        let change = vec![(name, Some(SecretBytes::copy_of(value.as_bytes())))];
        self.honest(relay, |start| sync::change(start, workspace, environment, change))
            .expect("a change");
    }

    fn put(
        &mut self,
        relay: &mut Relay,
        place: (WorkspaceId, EnvironmentId),
        name: &str,
        value: &str,
    ) {
        self.change(relay, place, name, value);
        self.honest(relay, |start| sync::push(start, place.0, place.1, false)).expect("a push");
    }

    /// Runs an operation with the truth alone.
    pub(crate) fn honest<T>(
        &mut self,
        relay: &mut Relay,
        operation: impl FnOnce(Start) -> Machine<T>,
    ) -> Result<T> {
        let machine = operation(self.start());
        self.drive(machine, &mut |host, step| Some(host.truth(relay, step)))
            .expect("nothing stops it")
    }

    /// Runs an operation whose steps are answered by the input; what it ends with is its own.
    fn lied_to<T>(&mut self, machine: Machine<T>, relay: &mut Relay, input: &mut Input<'_>) {
        self.drive(machine, &mut |host, step| host.lie(relay, step, input));
    }

    /// Until its end, or until an answer is `None`: then it is dropped, as a crash does.
    pub(crate) fn drive<T>(
        &mut self,
        mut machine: Machine<T>,
        answer: &mut dyn FnMut(&mut Self, Step) -> Option<Answer>,
    ) -> Option<Result<T>> {
        for _ in 0..STEPS {
            match machine.step(self.now) {
                Next::Step(id, step) => {
                    let answer = answer(self, step)?;
                    machine.finish(id, answer).expect("a leased step");
                    assert!(machine.finish(id, Answer::Stored).is_err(), "finished twice");
                }
                Next::Sleep(until) => {
                    assert!(until > self.now, "sleeps until now");
                    self.now = until;
                }
                Next::Done => return machine.take_result(),
                Next::Waiting => unreachable!("nothing is leased"),
            }
        }
        unreachable!("an operation does not end");
    }

    fn truth(&mut self, relay: &mut Relay, step: Step) -> Answer {
        match step {
            Step::Load(key) => {
                Answer::Loaded(self.store.get(&key).map(|bytes| SecretBytes::copy_of(bytes)))
            }
            Step::Store(key, bytes) => {
                self.store.insert(key, bytes.expose().to_vec());
                Answer::Stored
            }
            Step::Remove(key) => {
                self.store.remove(&key);
                Answer::Stored
            }
            Step::Send(request) => Answer::Answered(relay.answer(self.identity.id(), &request)),
            _ => unreachable!("a step of a newer version"),
        }
    }

    fn lie(&mut self, relay: &mut Relay, step: Step, input: &mut Input<'_>) -> Option<Answer> {
        let choice = input.byte();
        match (choice, step) {
            (255, _) => None,
            (254, Step::Load(_) | Step::Store(..) | Step::Remove(_)) => {
                Some(Answer::Failed(Error::new(ErrorCode::VaultIo, "the store fails")))
            }
            (253, Step::Load(_)) => Some(Answer::Stored),
            (253, _) => Some(Answer::Loaded(None)),
            (1..=252, Step::Send(request)) => {
                Some(self.false_answer(relay, &request, choice, input))
            }
            (_, step) => Some(self.truth(relay, step)),
        }
    }

    fn false_answer(
        &self,
        relay: &mut Relay,
        request: &Request,
        choice: u8,
        input: &mut Input<'_>,
    ) -> Answer {
        let me = self.identity.id();
        let failed = |code| Answer::Failed(Error::new(code, "the network fails"));
        match choice % 8 {
            0 => failed(ErrorCode::RelayUnreachable),
            1 => {
                // It arrived, and nobody is told.
                relay.answer(me, request);
                failed(ErrorCode::RelayTimeout)
            }
            2 => {
                let length = usize::from(input.byte());
                let status = 100 + input.short() % 500;
                let retry_after = input.flip().then(|| Duration::from_secs(input.byte().into()));
                Answer::Answered(Response {
                    status,
                    body: input.take(length).to_vec(),
                    retry_after,
                })
            }
            3 => Answer::Answered(relay.clone().log(None, input.below(relay.len() + 1))),
            4 => Answer::Answered(relay.clone().log(Some(input.byte().into()), usize::MAX)),
            5 => {
                let mut answer = relay.answer(me, request);
                answer.body.truncate(usize::from(input.short()));
                Answer::Answered(answer)
            }
            _ => {
                let mut answer = relay.answer(me, request);
                let places = answer.body.len();
                for _ in 0..=input.below(4) {
                    let (place, change) = (usize::from(input.short()), input.byte());
                    if places > 0 {
                        answer.body[place % places] ^= change;
                    }
                }
                Answer::Answered(answer)
            }
        }
    }
}

/// A host that follows the log of a workspace on a relay, for others to lie to.
pub(crate) fn follower() -> (Host, Relay, WorkspaceId) {
    let setting = setting();
    (setting.writer, setting.relay, setting.place.0)
}

impl Host {
    pub(crate) fn follow<T>(
        &mut self,
        workspace: WorkspaceId,
        then: impl Fn(Start, WorkspaceId) -> Machine<T>,
        answer: &Response,
    ) -> Result<T> {
        let machine = then(self.start(), workspace);
        let mut nobody = Relay::default();
        self.drive(machine, &mut |host, step| {
            Some(match step {
                Step::Send(_) => Answer::Answered(answer.clone()),
                step => host.truth(&mut nobody, step),
            })
        })
        .expect("nothing stops it")
    }
}

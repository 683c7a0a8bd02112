//! What each kind of entry may do, at the end of the log `log-whole` and after a few entries more.

use agentsecrets_core::{
    encoding::{BatchId, DeliveriesRoot, EntryHash, EnvironmentId, SealedHash, SecretId},
    identity::{Identity, Kind},
    log::{
        Body, Role, Scope, ScopeItem,
        entry::{Action, Admit, Create, Item, Operation, Push, Rekey, Removed, Share, Stray},
        membership::How,
    },
    policy::Policy,
    workspace_key::Subject,
};
use serde_json::Value;

use crate::{
    Vectors,
    log::{case, cases, some_root},
    story::*,
};

pub(crate) fn vectors() -> Vectors {
    Vectors::from([
        ("rules-environments", environments()),
        ("rules-admissions", admissions()),
        ("rules-invitations", invitations()),
        ("rules-changes", changes()),
        ("rules-endings", endings()),
        ("rules-generations", generations()),
        ("rules-pushes", pushes()),
        ("rules-shares", shares()),
    ])
}

/// The log, cases so far, and entries that came before the one that is judged.
struct Table {
    story: Story,
    before: Vec<Vec<u8>>,
    after: usize,
    cases: Vec<Value>,
}

impl Table {
    fn new() -> Self {
        let story = Story::whole();
        let after = story.entries.len();
        Self { story, before: Vec::new(), after, cases: Vec::new() }
    }

    /// Appends an entry for all cases to come.
    fn given(&mut self, author: fn(&Cast) -> &Identity, body: Body) {
        self.story.add(author, body);
        self.before.push(self.story.entries.last().unwrap().bytes().to_vec());
    }

    fn judge(&mut self, claim: &str, author: fn(&Cast) -> &Identity, body: Body, verdict: &str) {
        let signed = self.story.next(author(&self.story.cast), body);
        let entries = [self.before.clone(), vec![signed.bytes().to_vec()]].concat();
        let case = case(claim, self.after, &entries);
        assert_eq!(case["verdict"], verdict, "{claim}");
        self.cases.push(case);
    }

    fn accepted(&mut self, claim: &str, author: fn(&Cast) -> &Identity, body: Body) {
        self.judge(claim, author, body, "accepted");
    }

    fn refused(&mut self, claim: &str, author: fn(&Cast) -> &Identity, body: Body) {
        self.judge(claim, author, body, "refused_entry");
    }

    fn done(self, scenario: &str) -> Value {
        cases(scenario, self.cases)
    }
}

fn founder(cast: &Cast) -> &Identity {
    &cast.founder
}

fn writer(cast: &Cast) -> &Identity {
    &cast.writer
}

fn tablet(cast: &Cast) -> &Identity {
    &cast.tablet
}

const NEW: EnvironmentId = EnvironmentId([0xee; 16]);
const GRANT: Option<SealedHash> = Some(SealedHash([0xcc; 32]));

fn environments() -> Value {
    let mut table = Table::new();
    let body = table.story.environment(NEW, Action::Create, "x");
    table.accepted("a new environment", founder, body.clone());
    table.refused("by a writer", writer, body.clone());
    table.refused("by one who left", |cast| &cast.leaver, body.clone());
    table.refused("by nobody known", |cast| &cast.outsider, body.clone());
    for (id, action, claim) in [
        (DEVELOPMENT, Action::Create, "made twice"),
        (NEW, Action::Rename, "never made"),
        (STAGING, Action::Rename, "archived"),
        (STAGING, Action::Archive, "archived twice"),
    ] {
        let body = table.story.environment(id, action, "x");
        table.refused(claim, founder, body);
    }
    let mut later = body;
    if let Body::Environment(environment) = &mut later {
        environment.label.generation = 2;
    }
    table.refused("a label of a generation to come", founder, later.clone());
    if let Body::Environment(environment) = &mut later {
        environment.label.generation = 0;
    }
    table.refused("a label of a generation that is over", founder, later);
    table.accepted("a policy", founder, Body::Policy(Policy::default()));
    table.refused("a policy by a writer", writer, Body::Policy(Policy::default()));
    table.done("environments and the policy")
}

fn admissions() -> Value {
    let mut table = Table::new();
    let newcomer = identity(20, Kind::Human);
    let good = table.story.admission(newcomer.recipient(), Role::Reader, Scope::All);
    let reader = table.story.cast.reader.recipient().clone();
    let change = |change: &dyn Fn(&mut Admit)| {
        let mut admit = good.clone();
        change(&mut admit);
        Body::Admit(Box::new(admit))
    };
    table.accepted("as it should be", founder, change(&|_| ()));
    table.accepted("an owner admits an owner", founder, change(&|admit| admit.role = Role::Owner));
    table.refused("by a writer", writer, change(&|_| ()));
    table.refused(
        "no grant for one who is not blind",
        founder,
        change(&|admit| admit.grant = None),
    );
    let blind = single(DEVELOPMENT, DATABASE_URL);
    table.refused("a grant for a blind one", founder, change(&|admit| admit.scope = blind.clone()));
    let ungranted = change(&|admit| (admit.scope, admit.grant) = (blind.clone(), None));
    table.accepted("a blind one without a grant", founder, ungranted);
    let empty = change(&|admit| admit.scope = Scope::Only(vec![]));
    table.refused("an empty scope", founder, empty);
    table.refused("a scope of nothing known", founder, change(&|admit| admit.scope = whole(NEW)));
    let item = ScopeItem { environment: DEVELOPMENT, secrets: None };
    let doubled = Scope::Only(vec![item.clone(), item]);
    table.refused("a doubled scope", founder, change(&|admit| admit.scope = doubled.clone()));
    table.refused("another's person", founder, change(&|admit| admit.person = person(1)));
    table.refused("a second founder", founder, change(&|admit| admit.how = How::Founder));
    table.accepted(
        "on first sight where that is allowed",
        founder,
        change(&|admit| admit.how = How::FirstUse),
    );
    let no_proof = change(&|admit| admit.how = How::Invitation(EntryHash([1; 32])));
    table.refused("an invitation without a proof", founder, no_proof);
    let stray_proof = change(&|admit| admit.proof = Some(sign(1, b"x")));
    table.refused("a proof without an invitation", founder, stray_proof);
    table.refused("a member again", founder, change(&|admit| admit.recipient = reader.clone()));
    let gone = table.story.cast.leaver.recipient().clone();
    table.refused("one who left, again", founder, change(&|admit| admit.recipient = gone.clone()));
    let id = table.story.cast.founder.id();
    let vouched = change(&|admit| {
        (admit.person, admit.person_proof) = (person(1), Some((id, sign(1, b"x"))))
    });
    table.judge("a voucher that signs something else", founder, vouched, "bad_signature");
    table.given(founder, Body::Policy(Policy::default()));
    table.refused(
        "on first sight where that is not allowed",
        founder,
        change(&|admit| admit.how = How::FirstUse),
    );
    table.done("admissions")
}

fn invitations() -> Value {
    let mut table = Table::new();
    let (token, invite) = table.story.invite(Role::Writer, Scope::All);
    table.accepted("an owner invites", founder, invite.clone());
    table.refused("a writer invites", writer, invite.clone());
    table.given(founder, invite);
    let head = table.story.state.head();
    let newcomer = identity(20, Kind::Human);
    let code = agentsecrets_core::invitation::Invitation::new(
        table.story.state.workspace(),
        head.hash,
        table.story.cast.founder.id(),
        head,
        "https://relay.example".to_owned(),
        0,
        token,
    );
    let reply = code.accept(&newcomer, "x", &mut table.story.entropy);
    let mut admit = table.story.admission(newcomer.recipient(), Role::Writer, Scope::All);
    (admit.how, admit.proof) = (How::Invitation(head.hash), Some(reply.proof));
    let body = |change: &dyn Fn(&mut Admit)| {
        let mut admit = admit.clone();
        change(&mut admit);
        Body::Admit(Box::new(admit))
    };
    table.accepted("admitted by invitation", founder, body(&|_| ()));
    table.accepted("with less than it offers", founder, body(&|admit| admit.role = Role::Reader));
    table.refused("with more than it offers", founder, body(&|admit| admit.role = Role::Admin));
    let other = identity(21, Kind::Human);
    let swapped = body(&|admit| admit.recipient = other.recipient().clone());
    table.judge("another key than the one invited", founder, swapped, "bad_signature");
    let unknown = body(&|admit| admit.how = How::Invitation(EntryHash([1; 32])));
    table.refused("by an invitation that there is not", founder, unknown);
    let uninvite = Body::Uninvite(agentsecrets_core::log::entry::Uninvite { invite: head.hash });
    table.accepted("withdrawn by its author", founder, uninvite.clone());
    table.refused("withdrawn by a writer", writer, uninvite.clone());
    table.given(founder, uninvite.clone());
    table.refused("by one that was withdrawn", founder, body(&|_| ()));
    table.refused("withdrawn twice", founder, uninvite);
    table.done("invitations")
}

fn changes() -> Value {
    let mut table = Table::new();
    let cast = Cast::new();
    let (me, id, agent) = (cast.founder.id(), cast.writer.id(), cast.agent.id());
    table.accepted("a promotion", founder, change(id, Role::Admin, Scope::All, None));
    table.accepted("a narrower scope", founder, change(id, Role::Writer, whole(DEVELOPMENT), None));
    table.refused("nothing changes", founder, change(id, Role::Writer, Scope::All, None));
    table.refused(
        "a grant to one who has the key",
        founder,
        change(id, Role::Reader, Scope::All, GRANT),
    );
    table.accepted(
        "a grant where blindness ends",
        founder,
        change(agent, Role::Reader, Scope::All, GRANT),
    );
    table.refused("no grant there", founder, change(agent, Role::Reader, Scope::All, None));
    table.refused("by a writer", writer, change(agent, Role::Writer, Scope::All, GRANT));
    table.refused("the last owner", founder, change(me, Role::Admin, Scope::All, None));
    table.refused(
        "one who left",
        founder,
        change(cast.leaver.id(), Role::Writer, Scope::All, None),
    );
    table.given(founder, change(id, Role::Admin, Scope::All, None));
    table.refused(
        "an admin promotes to admin",
        writer,
        change(agent, Role::Admin, Scope::All, GRANT),
    );
    table.accepted(
        "an admin promotes to writer",
        writer,
        change(agent, Role::Writer, Scope::All, GRANT),
    );
    table.refused("an admin acts on an owner", writer, change(me, Role::Reader, Scope::All, None));
    table.given(founder, change(id, Role::Admin, whole(DEVELOPMENT), None));
    table.refused(
        "wider than its own scope",
        writer,
        change(agent, Role::Writer, Scope::All, GRANT),
    );
    table.done("roles and scopes")
}

fn endings() -> Value {
    let mut table = Table::new();
    let cast = Cast::new();
    let members = |members: &[&Identity]| {
        let mut ids: Vec<_> = members.iter().map(|member| member.id()).collect();
        ids.sort_unstable();
        remove(Removed::Members(ids))
    };
    table.accepted("one member", founder, members(&[&cast.writer]));
    table.accepted("several", founder, members(&[&cast.writer, &cast.reader]));
    table.refused("nobody", founder, members(&[]));
    table.refused("twice the same", founder, members(&[&cast.writer, &cast.writer]));
    let mut unsorted = vec![cast.writer.id(), cast.reader.id()];
    unsorted.sort_unstable();
    unsorted.reverse();
    table.refused("out of order", founder, remove(Removed::Members(unsorted)));
    table.refused("oneself", founder, members(&[&cast.founder]));
    table.refused("one who left", founder, members(&[&cast.leaver]));
    table.refused("by a writer", writer, members(&[&cast.reader]));
    table.refused("the last owner, by a device of its person", tablet, members(&[&cast.founder]));
    let desk = table.story.state.members()[&cast.writer.id()].person;
    table.accepted("all devices of a person", founder, remove(Removed::Persons(vec![desk])));
    table.refused(
        "a person who is not there",
        founder,
        remove(Removed::Persons(vec![person(0xab)])),
    );
    table.accepted("a member leaves", writer, Body::Leave);
    table.refused("the last owner leaves", founder, Body::Leave);
    table.refused("one who left leaves again", |cast| &cast.leaver, Body::Leave);
    table.given(founder, change(cast.writer.id(), Role::Owner, Scope::All, None));
    table.accepted("an owner, by a device of its person", tablet, members(&[&cast.founder]));
    table.refused("an owner, by another's device", tablet, members(&[&cast.writer]));
    table.given(founder, members(&[&cast.writer]));
    table.refused("an entry by one who was removed", writer, Body::Leave);
    table.done("removals and leaves")
}

fn generations() -> Value {
    let mut table = Table::new();
    let next = table.story.rekey();
    let body = |change: &dyn Fn(&mut Rekey)| {
        let mut rekey = next.clone();
        change(&mut rekey);
        Body::Rekey(rekey)
    };
    table.accepted("the next generation", founder, body(&|_| ()));
    table.refused("by a writer", writer, body(&|_| ()));
    table.refused("one too far", founder, body(&|rekey| rekey.generation += 1));
    table.refused("the same again", founder, body(&|rekey| rekey.generation -= 1));
    table.refused("for nobody", founder, body(&|rekey| rekey.root = DeliveriesRoot::ZERO));
    let old = table.story.state.key_commitments()[0];
    table.refused("a key that was there before", founder, body(&|rekey| rekey.commitment = old));
    table.done("generations of the workspace key")
}

fn put(secret: SecretId, version: u64) -> Item {
    let operation = Operation::Put(commitment(9));
    Item { secret, version, operation, create: None, policy: None, differs_from: vec![] }
}

fn pushes() -> Value {
    let mut table = Table::new();
    let fresh = SecretId([0x53; 16]);
    let label = table.story.label(Subject::Secret(DEVELOPMENT, fresh), "FRESH");
    let create = Some(Create { name_commitment: commitment(8), name: label });
    let created = Item { create: create.clone(), ..put(fresh, 1) };
    let batch = BatchId([9; 16]);
    let one = |item: Item| push(batch, vec![item], some_root());
    table.accepted("the next version", writer, one(put(DATABASE_URL, 3)));
    table.accepted("a new secret", writer, one(created.clone()));
    table.accepted("a deleted one comes back", writer, one(put(PORT, 3)));
    table.refused("by a reader", |cast| &cast.reader, one(put(DATABASE_URL, 3)));
    table.refused("a version twice", writer, one(put(DATABASE_URL, 2)));
    table.refused("a version left out", writer, one(put(DATABASE_URL, 4)));
    table.refused(
        "created twice",
        writer,
        one(Item { create: create.clone(), ..put(DATABASE_URL, 3) }),
    );
    table.refused("never created", writer, one(put(fresh, 1)));
    table.refused("begins with version 2", writer, one(Item { version: 2, ..created.clone() }));
    let deleted = Item { operation: Operation::Delete, ..created.clone() };
    table.refused("begins with a deletion", writer, one(deleted));
    table.refused("nothing", writer, push(batch, vec![], some_root()));
    let twice = vec![put(DATABASE_URL, 3), put(DATABASE_URL, 4)];
    table.refused("a secret twice", writer, push(batch, twice, some_root()));
    table.refused(
        "a root of nothing",
        writer,
        push(batch, vec![put(DATABASE_URL, 3)], DeliveriesRoot::ZERO),
    );
    let end = Item { operation: Operation::Delete, ..put(DATABASE_URL, 3) };
    table.refused(
        "a root where nobody receives",
        writer,
        push(batch, vec![end.clone()], some_root()),
    );
    table.accepted("a deletion", writer, push(batch, vec![end], DeliveriesRoot::ZERO));
    let policy = Item { policy: Some(commitment(7)), ..put(DATABASE_URL, 3) };
    table.refused("a writer's policy", writer, one(policy.clone()));
    table.accepted("an owner's policy", founder, one(policy));
    let differs = |version| Item { differs_from: vec![version], ..put(DATABASE_URL, 3) };
    table.accepted("differs from an older one", writer, one(differs(version(DATABASE_URL, 1))));
    table.refused("differs from what is not there", writer, one(differs(version(DATABASE_URL, 7))));
    let place = |environment, item, stray: Option<agentsecrets_core::encoding::MemberId>| {
        let version = version(DATABASE_URL, 9);
        let strays = stray.map(|member| Stray { member, environment, version });
        let (items, strays) = (vec![item], strays.into_iter().collect());
        Body::Push(Push { batch, environment, items, strays, root: some_root() })
    };
    table.refused("an archived environment", writer, place(STAGING, created, None));
    table.refused("another environment's secret", writer, place(NEW, put(DATABASE_URL, 3), None));
    let (member, nobody) = (table.story.cast.leaver.id(), table.story.cast.outsider.id());
    table.accepted(
        "a stray to one who left",
        writer,
        place(DEVELOPMENT, put(DATABASE_URL, 3), Some(member)),
    );
    table.refused(
        "a stray to nobody",
        writer,
        place(DEVELOPMENT, put(DATABASE_URL, 3), Some(nobody)),
    );
    let id = table.story.cast.writer.id();
    table.given(founder, change(id, Role::Writer, single(DEVELOPMENT, DATABASE_URL), None));
    table.accepted("a writer of one secret", writer, one(put(DATABASE_URL, 3)));
    table.refused("another secret than its own", writer, one(put(PORT, 3)));
    let more = Item { create, ..put(fresh, 1) };
    table.refused("a new secret by a writer of one", writer, one(more));
    table.done("pushes")
}

fn shares() -> Value {
    let mut table = Table::new();
    let cast = Cast::new();
    let agent = cast.agent.id();
    let good = Share {
        batch: BatchId([9; 16]),
        environment: DEVELOPMENT,
        versions: vec![version(DATABASE_URL, 1), version(DATABASE_URL, 2)],
        recipients: vec![agent],
        differs: vec![],
        strays: vec![],
        root: some_root(),
    };
    let body = |change: &dyn Fn(&mut Share)| {
        let mut share = good.clone();
        change(&mut share);
        Body::Share(share)
    };
    table.accepted("two versions to one", writer, body(&|_| ()));
    table.refused("by a reader", tablet, body(&|_| ()));
    table.refused("no version", writer, body(&|share| share.versions.clear()));
    table.refused("nobody", writer, body(&|share| share.recipients.clear()));
    table.refused("versions out of order", writer, body(&|share| share.versions.reverse()));
    table.refused("a version twice", writer, body(&|share| share.versions[1] = share.versions[0]));
    table.refused("a deletion", writer, body(&|share| share.versions = vec![version(PORT, 2)]));
    table.refused("what is not there", writer, body(&|share| share.versions[1].version = 9));
    table.refused(
        "outside of its scope",
        writer,
        body(&|share| share.versions = vec![version(PORT, 1)]),
    );
    table.refused(
        "to one who left",
        writer,
        body(&|share| share.recipients = vec![cast.leaver.id()]),
    );
    table.refused("a root of nothing", writer, body(&|share| share.root = DeliveriesRoot::ZERO));
    let pair = (version(DATABASE_URL, 2), version(DATABASE_URL, 1));
    table.accepted("with a difference", writer, body(&|share| share.differs = vec![pair]));
    let unknown = (version(DATABASE_URL, 2), version(DATABASE_URL, 8));
    table.refused(
        "a difference from nothing",
        writer,
        body(&|share| share.differs = vec![unknown]),
    );
    table.refused("another environment", writer, body(&|share| share.environment = NEW));
    table.done("shares")
}

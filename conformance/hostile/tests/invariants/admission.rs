//! Who gets in, and what the workspace key goes to.

use agentsecrets_core::{
    ErrorCode,
    crypto::{BoxPublicKey, Entropy, Signature, VerifyingKey},
    encoding::{MemberId, WorkspaceId, encode},
    identity::{Kind, Recipient},
    invitation::{Invitation, InvitationReply, Token},
    log::{Body, Role, Scope, entry::Admit, membership::How},
    policy::Policy,
    sealed_box,
    sync::{self, Management, Newcomer},
    wire::Bytes,
    workspace_key::{Subject, WorkspaceKey, wrap},
};
use agentsecrets_hostile::{
    Device, Forger, Team, attack, code,
    device::{identity, signing_key},
    lies,
    team::{single, whole},
};

/// Nobody was admitted, and nothing was sealed.
fn nobody_gets_in(team: &Team) {
    team.relay.forget();
    let vault = team.founder.dump();
    let admitted = team.admit_replies();
    assert!(admitted.as_ref().is_ok_and(Vec::is_empty), "{admitted:?}");
    assert!(team.relay.commits().is_empty(), "something was sealed");
    assert_eq!(team.founder.dump(), vault);
}

#[test]
fn i01_substituted_public_key_at_admission_is_refused_before_anything_is_sealed() {
    let team = Team::new();
    team.applicant(2, Role::Writer, Scope::All);
    let relays_own = identity(66, Kind::Human).recipient().clone();
    team.relay.lie(lies::replies(move |reply| {
        let mut reply = InvitationReply::parse(reply).unwrap();
        reply.recipient = relays_own.clone();
        encode(&reply)
    }));
    attack();
    nobody_gets_in(&team);
}

#[test]
fn i02_a_proof_counts_for_one_token_workspace_invite_inviter_and_recipient_and_once() {
    let team = Team::new();
    let right = team.invite(Role::Writer, Scope::All);
    let parts = |token: Token| {
        let (workspace, invite, inviter) = (right.workspace, right.invite, right.inviter);
        Invitation::new(workspace, invite, inviter, right.head, team.relay.url(), 0, token)
    };
    let token = || token_of(&right);
    let mut wrong = [
        parts(Token::generate(&mut Entropy::new([7; 32]))),
        parts(token()),
        parts(token()),
        parts(token()),
    ];
    wrong[1].workspace = WorkspaceId([1; 32]);
    wrong[2].invite = agentsecrets_core::encoding::EntryHash([1; 32]);
    wrong[3].inviter = MemberId([1; 32]);
    let (member, thief) = (identity(2, Kind::Human), identity(66, Kind::Human));
    let mut entropy = Entropy::new([8; 32]);
    let mut replies: Vec<Vec<u8>> = wrong
        .into_iter()
        .map(|wrong| encode(&wrong.accept(&thief, "thief", &mut entropy)))
        .collect();
    let mut anothers = parts(token()).accept(&member, "member", &mut entropy);
    anothers.recipient = thief.recipient().clone();
    replies.push(encode(&anothers));
    attack();
    for reply in replies {
        serve_reply(&team, reply);
        nobody_gets_in(&team);
    }
    serve_reply(&team, encode(&parts(token()).accept(&member, "member", &mut entropy)));
    assert_eq!(team.admit_replies().unwrap().len(), 1);
    serve_reply(&team, encode(&parts(token()).accept(&thief, "thief", &mut entropy)));
    nobody_gets_in(&team);
    // Nor may a member who holds the code write a second Admit by it.
    let mut forger = Forger::of_founder(&team);
    let second = parts(token()).accept(&thief, "thief", &mut entropy);
    let mut admit = forger.admission(thief.recipient(), Role::Writer, Scope::All);
    (admit.how, admit.proof) = (How::Invitation(right.invite), Some(second.proof));
    refused_by_all(&team, &mut forger, admit);
}

fn token_of(invitation: &Invitation) -> Token {
    // The code's last 32 bytes are the token.
    let bytes = encode(invitation);
    borsh_token(&bytes[bytes.len() - 32..])
}

fn borsh_token(bytes: &[u8]) -> Token {
    agentsecrets_core::encoding::parse(bytes, ErrorCode::MalformedInvitation, "token").unwrap()
}

fn serve_reply(team: &Team, reply: Vec<u8>) {
    let (workspace, reply) = (team.workspace, Bytes(reply));
    let reply = agentsecrets_core::wire::Reply { workspace, reply };
    let reply = agentsecrets_hostile::Answer::json(200, &reply);
    team.relay
        .lie(move |asked, honest| if asked.is_reply() { reply.clone() } else { honest(asked) });
}

/// A member's client refuses an Admit that the relay shows it.
fn refused_by_all(team: &Team, forger: &mut Forger<'_>, admit: Admit) {
    forger.refresh();
    let entry = forger.entry(Body::Admit(Box::new(admit)));
    let mut log = team.relay.entries(team.workspace);
    log.push(entry.bytes().to_vec());
    team.founder.follow(team.workspace).unwrap();
    let vault = team.founder.dump();
    team.relay.lie(lies::log_of(log));
    let refusal = code(team.founder.follow(team.workspace));
    assert!(matches!(refusal, ErrorCode::RefusedEntry | ErrorCode::BadSignature), "{refusal}");
    assert_eq!(team.founder.dump(), vault);
    team.relay.repent();
}

#[test]
fn i03_first_use_trust_only_by_policy_and_then_visible() {
    let team = Team::new();
    let recipient = identity(2, Kind::Agent).recipient().clone();
    let first_use = || {
        let how = (How::FirstUse, None);
        let (role, scope, label) = (Role::Reader, Scope::All, "agent".to_owned());
        let newcomer = Newcomer { recipient: recipient.clone(), role, scope, label, how };
        team.founder.client.run(|start| sync::admit(start, team.workspace, newcomer))
    };
    attack();
    team.relay.forget();
    assert_eq!(code(first_use()), ErrorCode::RefusedEntry);
    assert!(team.relay.commits().is_empty());
    let policy = Management::Policy(Policy { first_use: true, ..Policy::default() });
    team.founder.client.run(|start| sync::manage(start, team.workspace, policy)).unwrap();
    first_use().unwrap();
    let view = team.founder.view(team.workspace);
    assert_eq!(view.state().unwrap().members()[&recipient.id()].how, How::FirstUse);
}

#[test]
fn i34_a_grant_that_misses_its_generations_commitment_is_refused() {
    let (team, _) = Team::pair();
    let mut forger = Forger::of_founder(&team);
    let newcomer = Device::new(3);
    let invitation = team.invite(Role::Writer, Scope::All);
    let (invite, reply) = (invitation.invite, invitation.head);
    assert_eq!(invite, reply.hash);
    team.answer(&newcomer, invitation);
    forger.refresh();
    let other = WorkspaceKey::generate(&mut forger.entropy);
    let recipient = newcomer.identity().recipient().clone();
    let boxed = wrap(&forger.identity, &recipient, team.workspace, &other, &mut forger.entropy);
    let mut admit = forger.admission(&recipient, Role::Writer, Scope::All);
    admit.grant = Some(agentsecrets_core::log::deliveries::sealed_hash(&boxed));
    let entry = forger.entry(Body::Admit(Box::new(admit)));
    let parts = [(recipient.id(), vec![boxed])].into_iter().collect();
    assert_eq!(forger.commit((entry, parts)).status, 201);
    attack();
    assert_eq!(code(newcomer.pull(team.workspace)), ErrorCode::GrantMismatch);
    assert!(newcomer.view(team.workspace).name().is_none());
}

#[test]
fn i36_a_blind_agent_learns_neither_names_nor_values_outside_its_scope() {
    let (team, _) = Team::pair();
    let place = team.development();
    team.founder.put(place, "OTHER_NAME", "fake-other").unwrap();
    let scope = single(place, team.secret(place, "API_KEY"));
    attack();
    let agent = team.admit(4, Role::Reader, scope);
    // A push of both secrets at once: the agent is due one of them.
    team.founder.change(place, "OTHER_NAME", Some("fake-other-2")).unwrap();
    team.founder.change(place, "API_KEY", Some("fake-two")).unwrap();
    team.founder.push(place).unwrap();
    let pulled = agent.pull(team.workspace);
    assert_eq!(agent.value(place, "API_KEY").as_deref(), Some("fake-two"), "{pulled:?}");
    let delivered = team.relay.delivered(team.workspace, &agent.id());
    let own = identity(4, Kind::Human);
    let opening = opening_key(4);
    let boxes = delivered.iter().flat_map(|one| one.parts.iter().flatten());
    for sealed in boxes {
        let opened = sealed_box::open(&opening, sealed).unwrap();
        assert!(
            !contains(opened.expose(), b"OTHER_NAME") && !contains(opened.expose(), b"fake-other")
        );
    }
    assert!(agent.dump().values().all(|held| !contains(held, b"OTHER_NAME")));
    assert!(agent.view(team.workspace).name().is_none(), "a blind agent has no workspace key");
    assert_eq!(own.id(), agent.id());
}

fn opening_key(seed: u8) -> agentsecrets_core::crypto::BoxSecretKey {
    use agentsecrets_core::crypto::{BoxSecretKey, derive_key, label};
    BoxSecretKey::new(derive_key(label::OPENING_KEY, &[seed; 32]))
}

fn contains(bytes: &[u8], what: &[u8]) -> bool {
    bytes.windows(what.len()).any(|window| window == what)
}

/// The X25519 points of low order and encodings that are not canonical (RFC 7748 section 5).
fn bad_box_keys() -> Vec<[u8; 32]> {
    let mut prime = [0xff; 32];
    (prime[0], prime[31]) = (0xed, 0x7f);
    let (mut one, mut below, mut above) = ([0; 32], prime, prime);
    (one[0], below[0], above[0]) = (1, 0xec, 0xee);
    let order_8 = "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800";
    let mut bad = vec![[0; 32], one, below, prime, above, [0xff; 32]];
    bad.push(agentsecrets_core::encoding::from_hex(order_8).unwrap().try_into().unwrap());
    bad
}

/// A recipient with another X25519 key that signs itself: bytes and id.
fn recipient_with(seed: u8, x25519: [u8; 32]) -> Vec<u8> {
    let mut bytes = encode(identity(seed, Kind::Human).recipient());
    bytes[3 + 32..3 + 64].copy_from_slice(&x25519);
    let signed = bytes.len() - 64;
    let signature = signing_key(seed).sign(&bytes[..signed]);
    bytes[signed..].copy_from_slice(&signature.0);
    bytes
}

#[test]
fn i37_low_order_or_non_canonical_x25519_is_refused_everywhere() {
    let team = Team::new();
    team.applicant(2, Role::Writer, Scope::All);
    attack();
    for key in bad_box_keys() {
        assert_eq!(code(BoxPublicKey::parse(key)), ErrorCode::WeakKey);
        let recipient = recipient_with(66, key);
        assert_eq!(code(Recipient::from_bytes(&recipient)), ErrorCode::MalformedRecipient);
        // As the ephemeral key of a box that the relay makes.
        let sealed = [&key[..], &[0; 32]].concat();
        assert_eq!(code(sealed_box::open(&opening_key(2), &sealed)), ErrorCode::OpenFailed);
        // In a reply to an invitation.
        team.relay.lie(lies::replies(move |reply| {
            let mut reply = reply.to_vec();
            let length = recipient.len();
            reply[3..3 + length].copy_from_slice(&recipient);
            reply
        }));
        nobody_gets_in(&team);
    }
}

#[test]
fn i38_weak_ed25519_keys_and_non_canonical_parts_are_refused_with_one_verdict() {
    attack();
    let mut identity_point = [0; 32];
    identity_point[0] = 1;
    let mut non_canonical = [0xff; 32];
    (non_canonical[0], non_canonical[31]) = (0xee, 0x7f);
    let torsion = "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a";
    let torsion = agentsecrets_core::encoding::from_hex(torsion).unwrap().try_into().unwrap();
    for weak in [identity_point, non_canonical, torsion, [0; 32]] {
        assert_eq!(code(VerifyingKey::parse(weak)), ErrorCode::WeakKey);
        let mut recipient = encode(identity(66, Kind::Human).recipient());
        recipient[3..3 + 32].copy_from_slice(&weak);
        assert_eq!(code(Recipient::from_bytes(&recipient)), ErrorCode::MalformedRecipient);
    }
    // S + L instead of S, and R of low order.
    let key = signing_key(1);
    let good = key.sign(b"message");
    let order = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";
    let order = agentsecrets_core::encoding::from_hex(order).unwrap();
    let mut carry = 0;
    let mut other = good.0;
    for (byte, add) in other[32..].iter_mut().zip(order) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        (*byte, carry) = (sum as u8, sum >> 8);
    }
    let mut low = good.0;
    low[..32].copy_from_slice(&identity_point);
    key.verifying_key().verify(b"message", &good).unwrap();
    for bad in [other, low] {
        let verdict = code(key.verifying_key().verify(b"message", &Signature(bad)));
        assert_eq!(verdict, ErrorCode::BadSignature);
    }
}

#[test]
fn i39_a_signature_of_one_context_never_verifies_under_another() {
    let mut entropy = Entropy::new([1; 32]);
    attack();
    let (one, recipient) = (identity(1, Kind::Human), identity(2, Kind::Human));
    let recipient = recipient.recipient();
    let ack = agentsecrets_core::log::ack::Ack::new(
        WorkspaceId([1; 32]),
        one.id(),
        agentsecrets_core::log::Head {
            seq: 0,
            hash: agentsecrets_core::encoding::EntryHash([1; 32]),
        },
        0,
        Vec::new(),
    );
    let key = WorkspaceKey::generate(&mut entropy);
    let zero = WorkspaceId::ZERO;
    let genesis = agentsecrets_core::log::entry::Genesis {
        founder: one.recipient().clone(),
        person: agentsecrets_core::encoding::PersonId([1; 16]),
        policy: Policy::default(),
        key_commitment: key.commitments()[0],
        name: key.seal_label(zero, Subject::Workspace, b"acme", &mut entropy),
        label: key.seal_label(zero, Subject::Member(one.id()), b"laptop", &mut entropy),
    };
    let entry = agentsecrets_core::log::Entry::genesis(0, one.id(), genesis);
    let person = agentsecrets_core::encoding::PersonId([1; 16]);
    let scope = Scope::All;
    let mut signed = [
        encode(&entry),
        encode(&ack),
        encode(recipient),
        agentsecrets_core::log::person_proof(zero, person, recipient, Role::Reader, &scope),
    ];
    signed.iter_mut().for_each(|bytes| bytes.truncate(3));
    let kinds: std::collections::BTreeSet<_> = signed.iter().collect();
    assert_eq!(kinds.len(), signed.len(), "two kinds of signed bytes begin alike");
    // None of them may be taken for the base of an HTTP signature, which begins with a quote.
    assert!(signed.iter().all(|bytes| bytes[..2] == [1, 1]));
    // What an ack's signature covers never passes as an entry, and the other way round.
    let as_entry = agentsecrets_core::log::SignedEntry::parse(&ack.sign(&one));
    assert_eq!(code(as_entry), ErrorCode::MalformedEntry);
    let of_one = |_: &MemberId| Some(*one.recipient().verifying_key());
    let entry = entry.sign(&one).unwrap();
    let as_ack = agentsecrets_core::log::ack::Ack::open(entry.bytes(), of_one);
    assert_eq!(code(as_ack), ErrorCode::MalformedEntry);
    let _ = whole;
}

//! Opens what was delivered to this device and checks it against the log, item by item.

use std::{collections::BTreeMap, time::Duration};

use super::{
    names,
    relay::Relay,
    replica::{Replica, Unpublished, keys, load},
    session::Session,
};
use crate::{
    encoding::{EnvironmentId, MemberId, SealedHash, SecretId},
    error::{Error, ErrorCode, Result},
    fingerprint::Fingerprint,
    identity::Identity,
    log::{
        State,
        deliveries::{leaf, path, sealed_hash, verify},
        entry::{Operation, VersionRef},
        state::{Carrier, SecretState, ShareState},
    },
    parcel::{Envelope, MAX_SEALED, Parcel, ParcelItem},
    sealed_box,
    secret::SecretBytes,
    weakened,
    wire::{Bytes, Received},
};

/// A version whose value is to be fetched.
pub(super) struct Wanted {
    pub(super) secret: SecretId,
    pub(super) version: u64,
}

/// The values of all versions wanted.
///
/// # Errors
/// `delivery_withheld` where the relay does not hand over what the log lists; `unreadable` where an
/// author sealed something else than was signed. Then no value is returned at all.
pub(super) async fn fetch(
    session: &mut Session,
    replica: &Replica,
    environment: EnvironmentId,
    wanted: Vec<Wanted>,
) -> Result<Vec<ParcelItem>> {
    let state = replica.state()?;
    let identity = session.identity.clone();
    let mut desk = Desk::new(replica, state, &identity, environment);
    let plan: Vec<(Wanted, Vec<u64>)> = wanted
        .into_iter()
        .map(|wanted| {
            let carriers = desk.carriers(&wanted);
            (wanted, carriers)
        })
        .collect();
    let mut seqs: Vec<u64> = plan.iter().flat_map(|(_, carriers)| carriers).copied().collect();
    seqs.sort_unstable();
    seqs.dedup();
    if let (Some(first), Some(last)) = (seqs.first().copied(), seqs.last().copied()) {
        match replica.is_local() {
            true => read_own(session, replica, &mut desk, &seqs).await?,
            false => read_all(session, replica, &mut desk, (first, last), &seqs).await?,
        }
    }
    let items = plan.into_iter().map(|(wanted, carriers)| desk.hand_out(&wanted, &carriers));
    if weakened::skips(12) {
        return Ok(items.flatten().collect());
    }
    items.collect()
}

async fn read_all(
    session: &mut Session,
    replica: &Replica,
    desk: &mut Desk<'_>,
    (first, last): (u64, u64),
    seqs: &[u64],
) -> Result<()> {
    let mut after = first.checked_sub(1);
    loop {
        let mut relay = Relay { session, url: &replica.settings.relay, workspace: replica.id };
        let page = relay.deliveries(after).await?;
        let newest = page.deliveries.last().map(|received| received.seq);
        let wanted = |received: &&Received| seqs.binary_search(&received.seq).is_ok();
        desk.receive(&page.deliveries.iter().filter(wanted).collect::<Vec<_>>());
        match newest.filter(|newest| page.more && *newest < last && Some(*newest) > after) {
            Some(newest) => after = Some(newest),
            None => return Ok(()),
        }
        session.io.sleep(Duration::ZERO).await;
    }
}

/// A local workspace keeps its deliveries itself, in the form in which a relay would hand them out.
async fn read_own(
    session: &Session,
    replica: &Replica,
    desk: &mut Desk<'_>,
    seqs: &[u64],
) -> Result<()> {
    let kept: Unpublished =
        load(session, keys::unpublished(&replica.id)).await?.unwrap_or_default();
    let (me, mut own) = (desk.me, Vec::new());
    for (seq, _, parts) in
        kept.deliveries.iter().filter(|(seq, to, _)| seqs.binary_search(seq).is_ok() && *to == me)
    {
        let of_entry: Vec<_> =
            kept.deliveries.iter().filter(|(other, _, _)| other == seq).collect();
        let hashes = |parts: &[Vec<u8>]| {
            parts.iter().map(|part| sealed_hash(part)).collect::<Vec<SealedHash>>()
        };
        let leaves: Vec<_> =
            of_entry.iter().map(|(_, to, parts)| leaf(to, &hashes(parts))).collect();
        let index = of_entry.iter().position(|(_, to, _)| *to == me).unwrap_or_default();
        own.push(Received {
            seq: *seq,
            parts: parts.iter().map(|part| Some(Bytes(part.clone()))).collect(),
            hashes: hashes(parts),
            path: path(&leaves, index).into_iter().map(SealedHash).collect(),
        });
    }
    desk.receive(&own.iter().collect::<Vec<_>>());
    Ok(())
}

/// Where deliveries are opened: what passed all checks, and why the rest did not.
struct Desk<'a> {
    replica: &'a Replica,
    state: &'a State,
    identity: &'a Identity,
    me: MemberId,
    environment: EnvironmentId,
    /// Secrets that each Push of this environment sets.
    puts: BTreeMap<u64, Vec<SecretId>>,
    items: BTreeMap<VersionRef, ParcelItem>,
    problems: BTreeMap<u64, Error>,
}

impl<'a> Desk<'a> {
    fn new(
        replica: &'a Replica,
        state: &'a State,
        identity: &'a Identity,
        environment: EnvironmentId,
    ) -> Self {
        let mut puts: BTreeMap<u64, Vec<SecretId>> = BTreeMap::new();
        for (id, secret) in state.secrets_of(environment) {
            let values =
                secret.versions.iter().filter(|version| version.operation != Operation::Delete);
            values.for_each(|version| puts.entry(version.seq).or_default().push(*id));
        }
        let (items, problems) = (BTreeMap::new(), BTreeMap::new());
        Self { replica, state, identity, me: identity.id(), environment, puts, items, problems }
    }

    /// Entries by which a version was sealed to this device.
    fn carriers(&self, wanted: &Wanted) -> Vec<u64> {
        let version = VersionRef { secret: wanted.secret, version: wanted.version };
        let pushed = self
            .state
            .secrets()
            .get(&wanted.secret)
            .and_then(|secret| secret.version(wanted.version));
        let pushed = pushed.map(|version| version.seq).filter(|seq| {
            let scope =
                self.state.members().get(&self.me).and_then(|member| member.scope_before(*seq));
            scope.is_some_and(|scope| scope.holds(&self.environment, &wanted.secret))
        });
        let covers = |share: &&ShareState| {
            share.versions.binary_search(&version).is_ok()
                && share.recipients.binary_search(&self.me).is_ok()
        };
        pushed
            .into_iter()
            .chain(self.state.shares().iter().filter(covers).map(|share| share.seq))
            .collect()
    }

    fn hand_out(&mut self, wanted: &Wanted, carriers: &[u64]) -> Result<ParcelItem> {
        let version = VersionRef { secret: wanted.secret, version: wanted.version };
        if let Some(item) = self.items.remove(&version) {
            return Ok(item);
        }
        let problem = carriers.iter().find_map(|seq| self.problems.get(seq).cloned());
        Err(problem.unwrap_or_else(|| match carriers.first() {
            Some(seq) => withheld(*seq),
            None => never_sealed(self.state, wanted),
        }))
    }

    /// Takes the deliveries of some entries, opened in one go: of each all of its items, or none and the reason.
    fn receive(&mut self, received: &[&Received]) {
        let sealed: Vec<Result<_>> =
            received.iter().map(|received| self.checked(received)).collect();
        let boxes: Vec<&[u8]> =
            sealed.iter().flatten().flat_map(|(_, parts)| parts).copied().collect();
        let mut opened = sealed_box::open_many(self.identity.opening_key(), &boxes).into_iter();
        for (received, sealed) in received.iter().zip(sealed) {
            let items = sealed.and_then(|(carrier, parts)| {
                let opened: Vec<_> = opened.by_ref().take(parts.len()).collect();
                self.items_of(received.seq, carrier, opened)
            });
            match items {
                Ok(items) => items.into_iter().for_each(|item| {
                    self.items
                        .insert(VersionRef { secret: item.secret, version: item.version }, item);
                }),
                Err(problem) => drop(self.problems.insert(received.seq, problem)),
            }
        }
    }

    fn checked<'r>(&self, received: &'r Received) -> Result<(&'a Carrier, Vec<&'r [u8]>)> {
        let carrier = self
            .state
            .carriers()
            .get(&received.seq)
            .filter(|carrier| carrier.environment == self.environment);
        let carrier = carrier.ok_or_else(|| withheld(received.seq))?;
        let sealed = self.sealed(received, carrier).ok_or_else(|| withheld(received.seq))?;
        Ok((carrier, sealed))
    }

    fn items_of(
        &self,
        seq: u64,
        carrier: &Carrier,
        opened: Vec<Result<SecretBytes>>,
    ) -> Result<Vec<ParcelItem>> {
        let items = self.parcels(opened, carrier).and_then(|items| {
            items.iter().try_for_each(|item| self.check(seq, item)).map(|()| items)
        });
        items.map_err(|why| unreadable(seq, &carrier.author, &why))
    }

    /// The sealed parts, where they are those that the signed root lists for this device.
    fn sealed<'r>(&self, received: &'r Received, carrier: &Carrier) -> Option<Vec<&'r [u8]>> {
        let recipients = self.recipients(received.seq)?;
        let index = recipients.iter().position(|id| *id == self.me)?;
        let siblings: Vec<_> = received.path.iter().map(|node| node.0).collect();
        let listed = verify(
            leaf(&self.me, &received.hashes),
            index,
            recipients.len(),
            &siblings,
            &carrier.root,
        );
        let parts: Option<Vec<&[u8]>> = received
            .parts
            .iter()
            .map(|part| part.as_ref().map(|Bytes(bytes)| bytes.as_slice()))
            .collect();
        parts.filter(|parts| {
            let short = parts.iter().all(|part| part.len() <= MAX_SEALED);
            let relayed = weakened::skips_any(&[4, 5, 7, 10, 20]);
            relayed
                || listed
                    && short
                    && parts
                        .iter()
                        .map(|part| sealed_hash(part))
                        .eq(received.hashes.iter().copied())
        })
    }

    fn recipients(&self, seq: u64) -> Option<Vec<MemberId>> {
        let share = self.state.shares().iter().find(|share| share.seq == seq);
        match (share, self.puts.get(&seq)) {
            (Some(share), _) => Some(share.recipients.clone()),
            (None, Some(puts)) => {
                Some(self.state.recipients_before(seq, &self.environment, puts).copied().collect())
            }
            (None, None) => None,
        }
    }

    fn parcels(
        &self,
        opened: Vec<Result<SecretBytes>>,
        carrier: &Carrier,
    ) -> Result<Vec<ParcelItem>> {
        let Carrier { environment, batch, author, .. } = *carrier;
        let expected = Envelope {
            workspace: self.state.workspace(),
            batch,
            author,
            recipient: self.me,
            environment,
        };
        let mut items = Vec::new();
        for opened in opened {
            items.extend(Parcel::parse(opened?.expose(), &expected)?.items);
        }
        Ok(items)
    }

    /// An item counts when it is a version that the entry carries and fits all its commitments.
    fn check(&self, seq: u64, item: &ParcelItem) -> Result<()> {
        let secret = self
            .state
            .secrets()
            .get(&item.secret)
            .filter(|secret| secret.environment == self.environment);
        let carried = secret.and_then(|secret| {
            let version = secret.version(item.version)?;
            let carried = version.seq == seq || self.shared(seq, item) || weakened::skips(9);
            carried.then_some((secret, version))
        });
        let (secret, version) = carried.ok_or_else(|| mismatch("a value is of another entry"))?;
        let commitment = item.commitment(self.state.workspace(), self.environment);
        let fits = version.operation == Operation::Put(commitment);
        if !fits && !weakened::skips_any(&[4, 5, 7, 10, 35, 49]) {
            return Err(mismatch("a value misses its commitment"));
        }
        self.check_name_and_policy(secret, item)
    }

    fn shared(&self, seq: u64, item: &ParcelItem) -> bool {
        let version = VersionRef { secret: item.secret, version: item.version };
        let share = self.state.shares().iter().find(|share| share.seq == seq);
        share.is_some_and(|share| share.versions.binary_search(&version).is_ok())
    }

    fn check_name_and_policy(&self, secret: &SecretState, item: &ParcelItem) -> Result<()> {
        if weakened::skips(8) {
            return Ok(());
        }
        if secret.name_commitment != item.name_commitment() {
            return Err(mismatch("a name misses its commitment"));
        }
        let label = names::from_label(self.replica, self.environment, &item.secret, secret);
        if self.replica.settings.key.is_some() && label.as_ref() != Some(&item.name) {
            return Err(mismatch("a secret's label names it otherwise than its parcel"));
        }
        let live = secret.versions.len() as u64 == item.version;
        let fits = match secret.policy {
            Some(commitment) => commitment == item.policy_commitment(),
            None => item.policy.is_empty(),
        };
        if live && !fits && !weakened::skips(49) {
            Err(mismatch("a policy misses its commitment"))
        } else {
            Ok(())
        }
    }
}

fn mismatch(why: &'static str) -> Error {
    Error::new(ErrorCode::CommitmentMismatch, why)
}

fn withheld(seq: u64) -> Error {
    Error::new(
        ErrorCode::DeliveryWithheld,
        format!("the relay does not hand over what entry {seq} lists for this device"),
    )
}

fn unreadable(seq: u64, author: &MemberId, why: &Error) -> Error {
    Error::new(
        ErrorCode::Unreadable,
        format!("entry {seq} by {} cannot be read: {}", Fingerprint::of(author), why.message()),
    )
}

fn never_sealed(state: &State, wanted: &Wanted) -> Error {
    let seq = state
        .secrets()
        .get(&wanted.secret)
        .and_then(|secret| secret.version(wanted.version))
        .map_or(0, |version| version.seq);
    Error::new(
        ErrorCode::Unreadable,
        format!("the value of entry {seq} was not sealed to this device yet"),
    )
    .with_hint("agentsecrets secrets pull   # on the device of a member who holds it, then here")
}

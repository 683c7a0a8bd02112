//! One writer: pushes on what it knows, and finds out what became of every push.

use super::*;

/// Attempts of one push whose outcome stays unknown.
const ATTEMPTS: u32 = 20;

/// What one attempt says.
enum Attempt {
    Acknowledged((u64, EntryHash)),
    /// It is not there and never will be, whatever became of attempts before.
    Never,
    /// This attempt did nothing.
    Nothing,
    Unknown,
}

impl Stage {
    pub(super) fn write(&self, place: &Place, mut state: State, device: &Device, number: usize) {
        let (mut line, reader) = (Line::new(self, number, PATIENCE), self.reader());
        while !self.is_over() {
            let batch = u128::from(random()) << 64 | u128::from(random());
            let Ok(push) = push(&state, device, number as u64 + 1, batch, SEALED) else { return };
            let acknowledged = self.settle(place, &mut line, &state, device, push);
            match acknowledged.map(|entry| state.apply(&entry)) {
                Some(Ok(())) => {}
                _ => self.catch_up(place, &mut line, reader, &mut state),
            }
        }
    }

    /// Sends a push until its outcome is known, or sometimes only once; the entry where it is there.
    fn settle(
        &self,
        place: &Place,
        line: &mut Line<'_>,
        state: &State,
        device: &Device,
        push: Batch,
    ) -> Option<SignedEntry> {
        let entry = push.entries.first()?.clone();
        let body = push.body(state).ok()?;
        let (invoked, patient) = (self.now(), random().is_multiple_of(2));
        let (mut outcome, mut head) = (Outcome::Refused, None);
        for _ in 0..ATTEMPTS {
            let request = self.cast.authority.commit(device.key(), &body);
            match attempt(line, &request) {
                Attempt::Acknowledged(named) => {
                    (outcome, head) = (Outcome::Acknowledged, Some(named));
                    place.newest.fetch_max(named.0, SeqCst);
                    break;
                }
                Attempt::Never => {
                    outcome = Outcome::Refused;
                    break;
                }
                Attempt::Unknown => outcome = Outcome::Unknown,
                Attempt::Nothing => {}
            }
            line.next();
            if !patient {
                break;
            }
        }
        let (workspace, links, done) = (place.workspace, vec![Link::of(&entry)], self.now());
        self.note(Event::Append { workspace, links, invoked, done, outcome, head });
        (outcome == Outcome::Acknowledged).then_some(entry)
    }

    /// Takes in what others wrote.
    fn catch_up(&self, place: &Place, line: &mut Line<'_>, reader: u32, state: &mut State) {
        while !self.is_over() {
            let after = state.head().seq;
            let Some(page) = self.page(place, line, reader, Some(after), "limit=500") else {
                line.next();
                continue;
            };
            if page.entries.iter().any(|entry| state.apply(entry).is_err()) {
                // The checker names it: the page is noted.
                return self.stop();
            }
            if !page.more {
                return;
            }
        }
    }
}

/// The relay promises that nothing was stored with every answer but success, 500 and `unavailable`.
fn attempt(line: &mut Line<'_>, request: &[u8]) -> Attempt {
    if line.connection.open().is_err() {
        return Attempt::Nothing;
    }
    let Ok(Answer { status, body, .. }) = line.connection.ask(request) else {
        return Attempt::Unknown;
    };
    match status {
        200 | 201 => match serde_json::from_slice::<Committed>(&body) {
            Ok(committed) => Attempt::Acknowledged((committed.head.seq, committed.head.hash)),
            Err(_) => Attempt::Unknown,
        },
        409 | 422 => Attempt::Never,
        503 if code(&body) == "unavailable" => Attempt::Unknown,
        400..=499 | 503 => Attempt::Nothing,
        _ => Attempt::Unknown,
    }
}

fn code(body: &[u8]) -> String {
    serde_json::from_slice::<Problem>(body).unwrap_or_default().code
}

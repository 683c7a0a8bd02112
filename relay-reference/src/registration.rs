//! Who may begin workspaces here. Whoever is admitted to one by its admins needs no leave.

use std::collections::HashSet;

use agentsecrets_core::{encoding::MemberId, identity::Recipient};
use axum::http::StatusCode;

use crate::{problem::Problem, store::Store};

/// Who may begin workspaces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Registration {
    /// Everybody.
    #[default]
    Open,
    /// Those listed, and whoever was ever admitted to a workspace here.
    Invite(HashSet<MemberId>),
    /// Those listed alone.
    Allowlist(HashSet<MemberId>),
}

impl Registration {
    /// Checks the founder of a new workspace.
    ///
    /// # Errors
    /// `registration_closed`.
    pub fn check(&self, store: &dyn Store, founder: &MemberId) -> Result<(), Problem> {
        let may = match self {
            Self::Open => true,
            Self::Invite(listed) => listed.contains(founder) || store.is_admitted(founder)?,
            Self::Allowlist(listed) => listed.contains(founder),
        };
        if may { Ok(()) } else { Err(closed()) }
    }
}

fn closed() -> Problem {
    let detail = "this relay does not let the founder begin workspaces: ask its operator";
    Problem::new(StatusCode::FORBIDDEN, "registration_closed", detail)
}

/// Reads a list: a recipient (`agentsecrets identity`) or a member's id on each line, `#` begins
/// a remark.
///
/// # Errors
/// One line that says which line is none of these.
pub fn read_list(text: &str) -> Result<HashSet<MemberId>, String> {
    let lines = text
        .lines()
        .enumerate()
        .map(|(number, line)| (number + 1, line.split('#').next().unwrap_or_default().trim()));
    let listed = lines.filter(|(_, line)| !line.is_empty()).map(|(number, line)| {
        let recipient = || Recipient::parse(line).ok().map(|recipient| recipient.id());
        let id = MemberId::from_hex(line).or_else(recipient);
        id.ok_or_else(|| format!("line {number} of the list is neither a recipient nor an id"))
    });
    listed.collect()
}

#[cfg(test)]
mod tests {
    use agentsecrets_core::{
        identity::{Identity, Kind},
        secret::Key,
    };

    use super::*;
    use crate::store::MemoryStore;

    #[test]
    fn a_list_has_recipients_ids_and_remarks() {
        let identity = Identity::from_seed(Key::new([1; 32]), Kind::Human);
        let (id, recipient) = (identity.id(), identity.recipient());
        let other = MemberId([2; 32]);
        let text = format!("# who may\n\n{recipient}  # the first\n{other}\n");
        assert_eq!(read_list(&text).unwrap(), HashSet::from([id, other]));
        assert!(read_list("somebody").unwrap_err().contains("line 1"));
    }

    #[test]
    fn each_mode_lets_in_whom_it_says() {
        let store = MemoryStore::default();
        let (listed, admitted, stranger) =
            (MemberId([1; 32]), MemberId([2; 32]), MemberId([3; 32]));
        store.admit(vec![admitted]).unwrap();
        let may = |mode: Registration| {
            [listed, admitted, stranger].map(|id| mode.check(&store, &id).is_ok())
        };
        let list = HashSet::from([listed]);
        assert_eq!(may(Registration::Open), [true, true, true]);
        assert_eq!(may(Registration::Invite(list.clone())), [true, true, false]);
        assert_eq!(may(Registration::Allowlist(list)), [true, false, false]);
    }
}

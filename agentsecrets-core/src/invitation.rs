//! The invitation code, the invitee's reply, and the proof that ties them to one Invite entry.
//!
//! Spec: `spec/identity.md`.

use std::fmt;

use borsh::{BorshDeserialize, BorshSerialize};
use zeroize::Zeroizing;

use crate::{
    crypto::{self, Entropy, Signature, SigningKey, VerifyingKey, label},
    encoding::{self, EntryHash, Head, Header, MemberId, WorkspaceId, encode, tag},
    error::{Error, ErrorCode, Result},
    identity::{Identity, Recipient, from_bech32, to_bech32},
    secret::{Key, SecretBytes},
    workspace_key::{pad, unpad},
};

/// Prefix of an invitation code, which is secret until it is used.
pub const INVITATION_PREFIX: &str = "asinvite";

/// The token of an invitation: who holds it can join once. Not `Clone`; wiped on drop.
#[derive(BorshSerialize, BorshDeserialize)]
pub struct Token(Key);

impl Token {
    /// A fresh token.
    pub fn generate(entropy: &mut Entropy) -> Self {
        Self(entropy.key())
    }

    /// The key that the Invite entry names.
    pub fn verifying_key(&self) -> VerifyingKey {
        self.signing_key().verifying_key()
    }

    fn signing_key(&self) -> SigningKey {
        SigningKey::from_seed(&crypto::derive_key(label::INVITATION_KEY, self.0.expose()))
    }

    fn label_key(&self) -> Key {
        crypto::derive_key(label::INVITATION_LABEL, self.0.expose())
    }

    /// A copy for the inviter's vault, on purpose greppable.
    pub fn expose_copy(&self) -> Self {
        Self(Key::new(*self.0.expose()))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(_) = self;
        f.write_str("Token([redacted])")
    }
}

/// What the inviter hands over out of band.
#[derive(Debug, BorshSerialize, BorshDeserialize)]
pub struct Invitation {
    header: Header<{ tag::INVITATION }>,
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The Invite entry.
    pub invite: EntryHash,
    /// Its author.
    pub inviter: MemberId,
    /// A head that the newcomer's log must contain.
    pub head: Head,
    /// The relay's address.
    pub relay: String,
    /// Milliseconds since 1970 after which admins refuse it; 0 is never.
    pub expires: u64,
    token: Token,
}

impl Invitation {
    /// An invitation with its token.
    pub fn new(
        workspace: WorkspaceId,
        invite: EntryHash,
        inviter: MemberId,
        head: Head,
        relay: String,
        expires: u64,
        token: Token,
    ) -> Self {
        Self { header: Header, workspace, invite, inviter, head, relay, expires, token }
    }

    /// Reads the code.
    ///
    /// # Errors
    /// `malformed_invitation`; the text is not repeated.
    pub fn parse(code: &str) -> Result<Self> {
        let bytes =
            Zeroizing::new(from_bech32(INVITATION_PREFIX, code, ErrorCode::MalformedInvitation)?);
        encoding::parse(&bytes, ErrorCode::MalformedInvitation, "invitation code")
    }

    /// The code itself.
    pub fn expose(&self) -> SecretBytes {
        let bytes = Zeroizing::new(encode(self));
        SecretBytes::new(to_bech32(INVITATION_PREFIX, &bytes).into_bytes())
    }

    /// The reply of an identity that accepts; the invitation is spent.
    pub fn accept(
        self,
        identity: &Identity,
        label: &str,
        entropy: &mut Entropy,
    ) -> InvitationReply {
        let recipient = identity.recipient().clone();
        let proof = ProofData::of(&self.workspace, &self.invite, &self.inviter, &recipient);
        let proof = self.token.signing_key().sign(&encode(&proof));
        let data = reply_data(&self.workspace, &self.invite);
        let label = crypto::encrypt(
            &self.token.label_key(),
            entropy.bytes(),
            &data,
            &pad(label.as_bytes()),
        );
        InvitationReply { header: Header, recipient, proof, label }
    }
}

/// What the token signs: a reply to another invitation, inviter or workspace does not verify.
#[derive(BorshSerialize)]
struct ProofData<'a> {
    header: Header<{ tag::INVITATION_PROOF }>,
    workspace: &'a WorkspaceId,
    invite: &'a EntryHash,
    inviter: &'a MemberId,
    recipient: &'a Recipient,
}

impl<'a> ProofData<'a> {
    fn of(
        workspace: &'a WorkspaceId,
        invite: &'a EntryHash,
        inviter: &'a MemberId,
        recipient: &'a Recipient,
    ) -> Self {
        Self { header: Header, workspace, invite, inviter, recipient }
    }
}

/// Verifies an invitee's proof under the key that the Invite entry names.
///
/// # Errors
/// `bad_signature`.
pub fn verify_proof(
    key: &VerifyingKey,
    workspace: &WorkspaceId,
    invite: &EntryHash,
    inviter: &MemberId,
    recipient: &Recipient,
    proof: &Signature,
) -> Result<()> {
    key.verify(&encode(&ProofData::of(workspace, invite, inviter, recipient)), proof)
}

#[derive(BorshSerialize)]
struct ReplyLabelData<'a> {
    header: Header<{ tag::REPLY_LABEL }>,
    workspace: &'a WorkspaceId,
    invite: &'a EntryHash,
}

fn reply_data(workspace: &WorkspaceId, invite: &EntryHash) -> Vec<u8> {
    encode(&ReplyLabelData { header: Header, workspace, invite })
}

/// The invitee's answer, which the relay keeps for the admins.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct InvitationReply {
    header: Header<{ tag::INVITATION_REPLY }>,
    /// The invitee.
    pub recipient: Recipient,
    /// By the token.
    pub proof: Signature,
    label: Vec<u8>,
}

impl InvitationReply {
    /// Reads the canonical bytes and verifies the recipient.
    ///
    /// # Errors
    /// `malformed_invitation`, `malformed_recipient`.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let reply: Self =
            encoding::parse(bytes, ErrorCode::MalformedInvitation, "reply to an invitation")?;
        reply.recipient.verify()?;
        Ok(reply)
    }

    /// The label that the invitee chose, for who holds the token.
    ///
    /// # Errors
    /// `malformed_invitation`.
    pub fn label(
        &self,
        token: &Token,
        workspace: &WorkspaceId,
        invite: &EntryHash,
    ) -> Result<String> {
        crypto::decrypt(&token.label_key(), &reply_data(workspace, invite), &self.label)
            .and_then(|padded| String::from_utf8(unpad(padded.expose())?.to_vec()).ok())
            .ok_or_else(|| {
                Error::new(ErrorCode::MalformedInvitation, "the invitee's label cannot be read")
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::Kind;

    fn invitation() -> Invitation {
        let token = Token::generate(&mut Entropy::new([1; 32]));
        let head = Head { seq: 4, hash: EntryHash([2; 32]) };
        let relay = "https://relay.example".to_owned();
        Invitation::new(
            WorkspaceId([1; 32]),
            EntryHash([2; 32]),
            MemberId([3; 32]),
            head,
            relay,
            0,
            token,
        )
    }

    #[test]
    fn truncated_or_changed_codes_are_refused_without_repeating_them() {
        let code = invitation().expose();
        let code = std::str::from_utf8(code.expose()).unwrap();
        assert_eq!(Invitation::parse(code).unwrap().relay, "https://relay.example");
        for other in [&code[..code.len() - 1], &code[1..], "", "asinvite1", &code.replace('q', "p")]
        {
            let error = Invitation::parse(other).unwrap_err();
            assert_eq!(error.code(), ErrorCode::MalformedInvitation);
            assert!(other.len() < 12 || !error.to_string().contains(other));
        }
    }

    #[test]
    fn a_proof_counts_for_one_invitation_inviter_workspace_and_recipient() {
        let invitation = invitation();
        let (key, token) = (invitation.token.verifying_key(), invitation.token.expose_copy());
        let (workspace, invite, inviter) =
            (invitation.workspace, invitation.invite, invitation.inviter);
        let joiner = Identity::from_seed(Key::new([5; 32]), Kind::Human);
        let other = Identity::from_seed(Key::new([6; 32]), Kind::Human);
        let reply = invitation.accept(&joiner, "laptop", &mut Entropy::new([9; 32]));
        let verdict = |key: &VerifyingKey, w: u8, i: u8, m: u8, who: &Identity| {
            let (w, i, m) = (WorkspaceId([w; 32]), EntryHash([i; 32]), MemberId([m; 32]));
            verify_proof(key, &w, &i, &m, who.recipient(), &reply.proof).is_ok()
        };
        assert!(verdict(&key, 1, 2, 3, &joiner));
        assert!(!verdict(&key, 9, 2, 3, &joiner) && !verdict(&key, 1, 9, 3, &joiner));
        assert!(!verdict(&key, 1, 2, 9, &joiner) && !verdict(&key, 1, 2, 3, &other));
        assert!(!verdict(joiner.recipient().verifying_key(), 1, 2, 3, &joiner));
        assert_eq!((workspace, inviter), (WorkspaceId([1; 32]), MemberId([3; 32])));
        assert_eq!(reply.label(&token, &workspace, &invite).unwrap(), "laptop");
        assert!(reply.label(&token, &workspace, &EntryHash([9; 32])).is_err());
        assert_eq!(InvitationReply::parse(&encode(&reply)).unwrap(), reply);
    }
}
